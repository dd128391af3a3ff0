"""What a race leaves of a search's regret, at equal trainings: `python tests/benchmarks/race.py`.

Each search tunes GDKD (k, w2 and the temperature) on digits100 by a recipe of two epochs, the cheapest that learns,
whose seeds differ much. One way spends all 40 trainings on proposals and chooses by one seed; the other makes 24
proposals and spends 16 trainings on a race of the best over five more seeds. Both ways share the first 24 proposals,
which the project's own classes make. The truth of a setting is its mean test accuracy over 8 seeds that no search
used, trained on the whole training set; regret is what the choice lacks of the best truth known.

Whatever is trained is kept in the home by its key and never trained twice, so a benchmark that was stopped goes on.
A setting that is proposed again costs nothing and is no training here. Several searches share a
search seed, and with it trainings, but propose otherwise, by another `parallel`; the bootstrap draws seeds with all
their searches.

`--replay N` trains nothing: N searches with each sampler, live but for their scores, which are the means that have been
measured of the settings, drawn towards their common mean, plus noise as large as that between seeds was measured.
"""

import argparse
import contextlib
import dataclasses
import itertools
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from orchestrator.home.home import banks_folder
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import TrialRow
from orchestrator.planning.search.race import race
from orchestrator.planning.search.search_run import SearchRun
from search_spaces import Member, Search, Sweep, expand, read
from search_spaces.files.races import race_sizes
from search_spaces.sweeps.searches import with_blueprint
from trainers.files.store import Store
from trainers.training.distill import distill
from trainers.trials.trial import to_json

CHECKOUT = Path(__file__).parents[2]
TRUTH_SEEDS = 8
SPACE: dict[str, list[Any]] = {"k": [1, 2, 3, 5, 8, 14, 25, 50], "w2": [1, 2.5, 6, 16], "temperature": [1, 2, 4, 8]}
CHANCE = 1.0
SAMPLERS = ("tpe", "random")
SCORES = {"search": "final_val_top1", "full": "final_top1"}


PARALLEL = (4, 3, 5, 2, 6)


def sweep_text(sampler: str, seed: int, parallel: int = 4) -> str:
    """Return the sweep file of one search."""
    return f"""name: race-{sampler}-{seed}-{parallel}
dataset: digits100
pairs: tinyresnet -> tinycnn
teachers: {{tinyresnet: {{recipe: digits-teacher}}}}
recipe: {{base: digits, epochs: 2}}
methods:
  gdkd:
    k: {{choice: {SPACE["k"]}}}
    w2: {{choice: {SPACE["w2"]}}}
    temperature: {{choice: {SPACE["temperature"]}}}
search: {{trials: 400, sampler: {sampler}, seed: {seed}, parallel: {parallel}}}
seeds: {TRUTH_SEEDS}
"""


class Trained:
    """Scores of trainings by their keys, in a file that each is added to as it ends."""

    def __init__(self, home: Path) -> None:
        self._store = Store(home, banks_folder(home))
        self._file = home / "trained.jsonl"
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        self._known: dict[str, float] = dict(map(json.loads, lines))

    def score(self, member: Member) -> float:
        """Return what the trial scores in percent, trained if it has not been; one that diverges guesses."""
        if member.key not in self._known:
            *_, last = distill(member.trial, self._store)
            score = CHANCE if last.diverged else last.summary()[SCORES[member.trial.split]]
            with self._file.open("a") as lines:
                lines.write(json.dumps([member.key, score]) + "\n")
            self._known[member.key] = score
        return self._known[member.key]

    def known(self, member: Member) -> float:
        """Return the score of a trial that has been trained; else not a number."""
        return self._known.get(member.key, math.nan)


def search_of(home: Path, sampler: str, seed: int, parallel: int) -> tuple[Sweep, Search]:
    """Return a search, with its sweep."""
    file = home / f"race-{sampler}-{seed}-{parallel}.yaml"
    file.write_text(sweep_text(sampler, seed, parallel))
    sweep = expand(read(file))
    (search,) = sweep.searches
    return sweep, search


class Replayed:
    """Scores that trainings might have had: a setting's mean, in a search with noise that its key draws."""

    def __init__(self, means: Mapping[tuple[Any, ...], float], noise: float) -> None:
        self.means = means
        self._noise = noise

    def score(self, member: Member) -> float:
        """Return what the trial scores in percent."""
        mean = self.means[tuple(member.trial.hyperparameters[name] for name in SPACE)]
        if member.trial.split == "full":
            return mean
        return float(mean + self._noise * np.random.default_rng(int(member.key[:15], 16)).normal())


def measured(home: Path, trained: Trained, seeds: int) -> tuple[dict[tuple[Any, ...], float], float]:
    """Return the means of all settings, in the seeds' average, and the standard deviation between seeds beside what
    all settings have in common with a seed."""
    settings = list(itertools.product(*SPACE.values()))
    searches = [search_of(home, "random", seed, PARALLEL[0])[1] for seed in range(seeds)]
    places = list(itertools.product(searches, range(6)))
    scores = np.array(
        [
            [trained.known(one.proposal(dict(zip(SPACE, setting, strict=True)), 0, place)) for one, place in places]
            for setting in settings
        ]
    )
    scores = scores[:, ~np.isnan(scores).all(axis=0)]
    there = ~np.isnan(scores)
    count, of_seed = there.sum(axis=1), np.zeros(scores.shape[1])
    known = count > 0
    for _ in range(100):  # alternating least squares
        means = np.nansum(scores - of_seed, axis=1) / np.maximum(count, 1)
        of_seed = np.nansum(np.where(there, scores - means[:, None], 0), axis=0) / there.sum(axis=0)
    left = np.where(there, scores - means[:, None] - of_seed, 0)
    noise = math.sqrt((left**2).sum() / (there.sum() - known.sum() - len(of_seed)))
    centre = means[known].mean()
    spread = means[known].var(ddof=1) - noise**2 * (1 / count[known]).mean()
    means = np.where(known, centre + (means - centre) * spread / (spread + noise**2 / np.maximum(count, 1)), centre)
    print(
        f"{known.sum()} of {len(settings)} settings measured; spread {math.sqrt(spread):.2f}, seeds {noise:.2f} points"
    )
    wanted = [tuple(float(v) if name != "k" else v for name, v in zip(SPACE, s, strict=True)) for s in settings]
    return dict(zip(wanted, map(float, means), strict=True)), noise


@dataclasses.dataclass(frozen=True)
class Way:
    """How a search spends its trainings."""

    proposals: int
    seeds: int
    """Of the finalists."""

    def __str__(self) -> str:
        return f"{self.proposals} proposals, race {self.seeds}"


@dataclasses.dataclass(frozen=True)
class Chosen:
    """What a search has come to."""

    params: Mapping[str, Any]
    trainings: int
    truth: float
    """Mean test accuracy in percent over the seeds of the truth."""


class Searched:
    """One search, as far as it is asked for."""

    def __init__(self, home: Path, sweep: Sweep, search: Search, trained: Trained | Replayed) -> None:
        self.search = search
        self._trained = trained
        with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
            self._run = SearchRun(sweep, self.search, ledger, CHANCE)

    def choose(self, way: Way) -> Chosen:
        """Return what the search comes to in this way."""
        settings = self._settings(way.proposals)
        ranking = sorted(settings, key=lambda row: (-(row.value or 0.0), row.number))
        races = 0

        def outcome(row: Any, place: int) -> float:
            nonlocal races
            races += 1
            return self._trained.score(self.search.proposal(row.params, row.number, place))

        best = race(ranking, race_sizes(way.proposals, way.seeds), outcome).racers[0].proposal
        truth = statistics.fmean(map(self._trained.score, self.search.confirmed(best.params, 1)))
        return Chosen(best.params, len(settings) + races, truth)

    def _settings(self, count: int) -> list[Any]:
        """Return so many proposals of different settings, the first ones."""
        while len({row.key for row in self._run.rows}) < count and self._run.standing() == "open":
            row, member = self._run.propose()
            if row.state is None:
                score = self._trained.score(member)
                metrics = {SCORES["search"]: score}
                self._run.decide(
                    TrialRow(
                        key=member.key,
                        config_key=member.config_key,
                        spec=to_json(member.trial),
                        state="COMPLETE",
                        metrics=metrics,
                    )
                )
        return list({row.key: row for row in reversed(self._run.rows)}.values())[::-1][:count]


def compared(found: list[tuple[Chosen, Chosen]], best: float, seeds: int) -> Iterator[str]:
    """Yield how two ways compare over searches, of which every `seeds`-th has the same search seed."""
    before, after = (np.array([best - pair[i].truth for pair in found]) for i in (0, 1))
    count = min(seeds, len(found))
    by_seed = [np.array([some[place::seeds].sum() for place in range(count)]) for some in (before, after)]
    draws = np.random.default_rng(0).integers(0, count, size=(20_000, count))
    ratios = by_seed[1][draws].sum(axis=1) / np.maximum(by_seed[0][draws].sum(axis=1), 1e-9)
    low, high = np.quantile(ratios, [0.05, 0.95])
    spent = [statistics.fmean(pair[i].trainings for pair in found) for i in (0, 1)]
    ratio = after.mean() / max(before.mean(), 1e-9)
    yield f"regret {before.mean():.2f} -> {after.mean():.2f} points: {ratio:.2f} of it"
    yield f"(90 % of bootstrap draws {low:.2f} to {high:.2f}); trainings {spent[0]:.1f} and {spent[1]:.1f};"
    yield f"better {int((after < before).sum())}, worse {int((after > before).sum())} of {len(found)} searches"


def replay(home: Path, ways: list[Way], count: int, means: Mapping[tuple[Any, ...], float], noise: float) -> None:
    """Print what each way leaves of the first one's regret, over so many searches with each sampler."""
    best = max(means.values())
    for times, sampler in itertools.product((1, 2), SAMPLERS):
        sweep, first = search_of(home, sampler, 0, PARALLEL[0])
        scores, found = Replayed(means, times * noise), []
        for seed in range(count):
            search = with_blueprint(dataclasses.replace(first, seed=seed), first.blueprint)
            searched = Searched(home, sweep, search, scores)
            found.append([searched.choose(way) for way in ways])
        for i, way in enumerate(ways[1:], start=1):
            told = " ".join(compared([(each[0], each[i]) for each in found], best, count))
            print(f"noise x {times}, {sampler:6}, {ways[0]} against {way}: {told}", flush=True)


def main() -> None:
    """Measure and print, all of it again after every search."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path("race-benchmark"))
    parser.add_argument("--searches", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=6, help="search seeds, which searches share")
    parser.add_argument("--ways", nargs="+", default=["40:1", "24:6"], help="PROPOSALS:RACE, the first as it was")
    parser.add_argument("--replay", type=int, default=0, help="so many searches, without training")
    options = parser.parse_args()
    ways = [Way(*map(int, text.split(":"))) for text in options.ways]
    home: Path = options.home
    home.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    if not (home / "ledger.db").exists():  # trains the teacher
        plain = home / "teacher.yaml"
        fixed = sweep_text("tpe", 0).partition("methods:")[0] + "methods:\n  kd:\nseeds: 1\n"
        plain.write_text(fixed.replace("race-tpe-0-4", "race-teacher"))
        command = [sys.executable, str(CHECKOUT / "run_sweep.py"), "run", str(plain), "--home", str(home)]
        subprocess.run(command, check=True, capture_output=True)
    trained = Trained(home)
    if options.replay:
        replay(home, ways, options.replay, *measured(home, trained, options.seeds))
        return
    found: dict[str, list[tuple[Chosen, ...]]] = {sampler: [] for sampler in SAMPLERS}
    for number in range(options.searches):
        seed, parallel = number % options.seeds, PARALLEL[number // options.seeds]
        for sampler in SAMPLERS:
            searched = Searched(home, *search_of(home, sampler, seed, parallel), trained)
            found[sampler].append(tuple(searched.choose(way) for way in ways))
        best = max(chosen.truth for some in found.values() for each in some for chosen in each)
        for sampler, each in found.items():
            for i, way in enumerate(ways[1:], start=1):
                told = " ".join(compared([(one[0], one[i]) for one in each], best, options.seeds))
                print(f"{number + 1:2} searches, {sampler:6}, {ways[0]} against {way}: {told}", flush=True)


if __name__ == "__main__":
    main()
