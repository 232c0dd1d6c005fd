"""A webinar as an iCalendar file (RFC 5545) for the calendars of those who have registered."""

from __future__ import annotations

from icalendar import Calendar, Event, vUri

from facility.workflow import clock
from webinars.webinar import Webinar


def calendar_file(webinar: Webinar) -> bytes:
    """One event in UTC; its UID stays and its SEQUENCE grows with each change, so that a later file replaces it."""
    event = Event()
    event.add("uid", f"webinar-{webinar.pk}")
    event.add("sequence", webinar.version)
    event.add("dtstamp", clock.now())
    event.add("dtstart", webinar.starts_at)
    event.add("dtend", webinar.ends_at)
    event.add("summary", webinar.title_text)
    event.add("status", "CANCELLED" if webinar.state == Webinar.State.CANCELLED else "CONFIRMED")
    points = [f"{item.get_element_display()}: {item.title}" for item in webinar.agenda.order_by("order")]
    event.add("description", "\n".join([webinar.summary, *points]).strip())
    if webinar.link:
        event.add("url", vUri(webinar.link))
        event.add("location", webinar.link)
    made = Calendar()
    made.add("prodid", "-//Facility//Webinars//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add_component(event)
    return made.to_ical()
