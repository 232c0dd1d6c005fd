"""Reading CVs: bytes to fields with their snippets. Pure: no Django, no network, no file written."""
