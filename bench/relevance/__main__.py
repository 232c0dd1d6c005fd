"""`python -m bench.relevance [tuned|held_out …]`: how well CVs are ranked for projects across seven languages.

Prints tables, and writes them to .local/bench-relevance.json. Vectors are kept in .local/bench-relevance.npz by the
hash of their text, so that a second run takes seconds; `--seconds` leaves them alone and measures the budgets anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from advisory.meaning import Embedder
from advisory.scoring import Ask, Need, Profile, score
from bench.relevance import figures
from bench.relevance.people import LANGUAGES, Person, Project, asks, curriculum, grade, people, projects

ROOT = Path(__file__).parents[2]
KEPT, RESULT = ROOT / ".local/bench-relevance.npz", ROOT / ".local/bench-relevance.json"
BUDGET = 800
BUDGETS = (100, 200, 400, 800, 1600)
TIMED = 12


class Kept(Embedder):
    """The model with a memory on disk."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Any] = dict(np.load(KEPT)) if KEPT.exists() else {}

    def embed_passages(self, texts: Sequence[str], progress: Any = None) -> Any:
        """As the model does, what is known taken from memory."""
        keys = [hashlib.sha256(f"p {text}".encode()).hexdigest() for text in texts]
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in self.known}
        self.known.update(zip(fresh, super().embed_passages(list(fresh.values()), progress), strict=True))
        return np.array([self.known[key] for key in keys])

    def embed_query(self, text: str) -> Any:
        """The same for a query."""
        key = hashlib.sha256(f"q {text}".encode()).hexdigest()
        if key not in self.known:
            self.known[key] = super().embed_query(text)
        return self.known[key]

    def keep(self) -> None:
        """Writes the memory."""
        KEPT.parent.mkdir(exist_ok=True)
        np.savez(KEPT, **self.known)


def profiles(crowd: Sequence[Person], half: str, embedder: Embedder, budget: int, language: str = "") -> list[Profile]:
    """The people with their CVs read, in their language or all in one."""
    told = [curriculum(one, half, language) for one in crowd]
    read = embedder.embed_documents([[text] for text in told], budget)
    return [
        Profile(str(one.number), (text,), language or one.language, tuple(vectors))
        for one, text, vectors in zip(crowd, told, read, strict=True)
    ]


def needs(asked: Sequence[Project], half: str, embedder: Embedder, *, ranked: bool = True) -> list[Need]:
    """The projects by their ranked needs, or each as one text."""
    made = []
    for one in asked:
        told = asks(one, half)
        if not ranked:
            told = [("\n".join(text for text, _weight in told), 1.0)]
        texts = tuple(Ask(text, one.language, embedder.embed_query(text), weight) for text, weight in told)
        made.append(Need(str(one.number), asks=texts))
    return made


def plain_meaning(crowd: Sequence[Profile], asked: Sequence[Need]) -> Any:
    """The cosine of the mean passage with the project as one text."""
    means = np.stack([profile.vectors[0].mean(axis=0) for profile in crowd])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return means @ np.stack([need.asks[0].vector for need in asked]).T


def compared(half: str, embedder: Embedder) -> dict[str, Any]:
    """Ours beside the plain rankings, with intervals."""
    crowd, asked = people(), projects()
    grades = np.array([[grade(one, other) for other in asked] for one in crowd])
    read = profiles(crowd, half, embedder, BUDGET)
    ranked, one_text = needs(asked, half, embedder), needs(asked, half, embedder, ranked=False)
    documents = [profile.texts[0] for profile in read]
    queries = [need.asks[0].text for need in one_text]
    sides = {
        "ours, ranked needs": score(read, ranked).matrix,
        "ours, one text": score(read, one_text).matrix,
        "ours, meaning alone": score(read, ranked, weights={"words": 0}).matrix,
        "plain meaning": plain_meaning(read, one_text),
        "plain BM25": figures.bm25(documents, queries, figures.by_words),
        "character BM25": figures.bm25(documents, queries, figures.by_characters),
    }
    lengths = [len(text.split()) for text in documents]
    print(f"\n{half}: {len(crowd)} CVs of {min(lengths)} to {max(lengths)} words, {len(asked)} projects")
    return {name: _printed(name, figures.measured(matrix, grades)) for name, matrix in sides.items()}


def _printed(name: str, found: dict[str, tuple[float, float, float]]) -> dict[str, list[float]]:
    cells = [f"{figure} {value:.3f} [{low:.3f} {high:.3f}]" for figure, (value, low, high) in found.items()]
    print(f"{name:21}" + "  ".join(cells))
    return {figure: [round(value, 4) for value in values] for figure, values in found.items()}


def budgets(half: str, embedder: Kept, *, timed: bool) -> dict[str, Any]:
    """Quality by the number of tokens read of a CV; CPU seconds for a hundred CVs when `timed`."""
    crowd, asked = people(), projects()
    grades = np.array([[grade(one, other) for other in asked] for one in crowd])
    ranked = needs(asked, half, embedder)
    fresh, told = Embedder(), {}
    fresh.embed_query("loaded")
    for budget in BUDGETS:
        began = time.process_time()
        if timed:
            profiles(crowd[:: len(crowd) // TIMED][:TIMED], half, fresh, budget)
        seconds = (time.process_time() - began) * 100 / TIMED
        read = profiles(crowd, half, embedder, budget)
        print(f"{budget:5} tokens " + (f"{seconds:6.1f} CPU seconds a hundred CVs" if timed else ""))
        both, alone = (score(read, ranked, weights=one).matrix for one in ({}, {"words": 0}))
        told[str(budget)] = {
            "both": _printed("  words and meaning", figures.measured(both, grades)),
            "meaning": _printed("  meaning alone", figures.measured(alone, grades)),
            "seconds": round(seconds, 1) if timed else None,
        }
    return told


def languages(half: str, embedder: Embedder) -> dict[str, Any]:
    """The same CV in seven languages: how far it falls behind its version in the language of the project.

    In per cent of the pool, for people who fit (grade 2 or 3), all others left in their own language.
    """
    crowd, asked = people(), projects()
    read, wanted = profiles(crowd, half, embedder, BUDGET), needs(asked, half, embedder)
    falls: dict[str, list[float]] = {language: [] for language in LANGUAGES}
    for one in crowd[::4]:
        ranks: dict[str, Any] = {}
        for language in LANGUAGES:
            (version,) = profiles([one], half, embedder, BUDGET, language)
            matrix = score([*read[: one.number], version, *read[one.number + 1 :]], wanted).matrix
            ranks[language] = (matrix > matrix[one.number]).sum(axis=0)
        for number, project in enumerate(asked):
            if grade(one, project) >= figures.RELEVANT:
                for language in set(LANGUAGES) - {project.language}:
                    fall = ranks[language][number] - ranks[project.language][number]
                    falls[language].append(100 * float(fall) / len(crowd))
    everything = [fall for values in falls.values() for fall in values]
    told = {language: round(median(values), 1) for language, values in falls.items()} | {
        "all": round(median(everything), 1),
        "worst tenth": round(float(np.quantile(everything, 0.9)), 1),
    }
    print("fall in rank, median, % of the pool: " + "  ".join(f"{name} {value}" for name, value in told.items()))
    return told


def main() -> None:
    """Measures the halves that are named, both if none is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("halves", nargs="*", default=["tuned", "held_out"])
    parser.add_argument("--seconds", action="store_true", help="measure the CPU time of each budget")
    options = parser.parse_args()
    embedder, told = Kept(), {}
    for half in options.halves:
        told[half] = {"compared": compared(half, embedder), "languages": languages(half, embedder)}
        told[half]["budgets"] = budgets(half, embedder, timed=options.seconds)
        embedder.keep()
    RESULT.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
