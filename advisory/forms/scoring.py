"""The weights of a match run."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.parts import PARTS
from advisory.weighing import WEIGHTS
from facility.workflow.input import StepForm

MOST = 5
WHY = {
    "meaning": _("How near the CV is to the project in meaning, in any language. Usually as much as the words."),
    "words": _("Words in common, weighted by how rare they are. In another language meaning stands in for them."),
    "areas": _("The share of the areas asked for; the first need weighs most."),
    "languages": _("The level in a language that the project works in. Without any, a pair is barred."),
    "sector": _("Knows the industrial ecosystem of the lead cluster; half for a partner's. Usually half an area."),
    "country": _("Lives or worked in the country of the lead cluster; half for a partner's. Usually half an area."),
    "kind": _("Exactly the kind that is lacking; who serves as both counts half, since they can help elsewhere."),
    "record": _("Projects completed and sessions confirmed here before. It says nothing until somebody has any."),
}


class Weighed(StepForm):
    """A form with a weight for each term of the score; `weights` is the cleaned value by term."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in PARTS:
            if name not in WEIGHTS:
                continue
            self.fields[f"weight_{name}"] = forms.FloatField(
                label=label,
                min_value=0,
                max_value=MOST,
                required=False,
                initial=WEIGHTS[name],
                help_text=WHY[name],
                widget=forms.NumberInput(attrs={"step": "0.25"}),
            )

    def clean(self) -> dict[str, Any]:
        """All weights by term, the usual one where none is given; 0 switches a term off, but not all of them."""
        data = super().clean() or {}
        given = {name: data.pop(f"weight_{name}", None) for name in WEIGHTS}
        data["weights"] = {name: WEIGHTS[name] if weight is None else weight for name, weight in given.items()}
        if not any(data["weights"].values()):
            raise ValidationError(_t("Give at least one term a weight above 0."))
        return data


__all__ = ["Weighed"]
