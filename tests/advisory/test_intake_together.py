"""Two bulk uploads at the same moment: transactions that really commit."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor, wait

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction

from advisory.curriculum import CurriculumVitae
from advisory.intake import CvIntake
from facility.workflow.steps import SYSTEM
from tests import factories as make
from tests.advisory import making_packs as packs
from tests.advisory.test_intake import uploaded


def side_by_side(programme, coordinator):
    """Two uploads of one file: the second takes it while the first has taken it and has not committed yet."""
    content = packs.text_of(1)
    made = [uploaded(programme, coordinator, packs.zipped({"cv.txt": content})) for _one in range(2)]
    for one in made:
        one.perform("open_pack", by=SYSTEM, listing={"files": [[0, "cv.txt", ""]]})

    def take(one):
        file = SimpleUploadedFile("cv.txt", content)
        one.perform("take", by=SYSTEM, contents=[{"place": 0, "why": ""}], files={"0": file})

    def second():
        try:
            take(made[1])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            take(made[0])
            going = pool.submit(second)
            has_waited = not wait([going], timeout=3).done
        going.result(timeout=20)
    return has_waited, CurriculumVitae.objects.count()


def test_two_uploads_of_one_file_at_once_add_it_once(committed):
    programme = make.programme()
    assert side_by_side(programme, make.staff("coordinator", programme)) == (True, 1)


def test_control_uploads_that_do_not_take_turns_add_it_twice(committed, monkeypatch):
    """Shows that the test above looks: without the lock on the programme the file comes in twice."""
    monkeypatch.setitem(CvIntake.steps(), "take", dataclasses.replace(CvIntake.step("take"), locks=""))
    programme = make.programme()
    assert side_by_side(programme, make.staff("coordinator", programme)) == (False, 2)
