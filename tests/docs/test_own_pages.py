"""Networks, data, methods of people's own: the examples of the pages run as they stand, and as packages."""

import tomllib
from pathlib import Path

import pytest

import orchestrator
from search_spaces import read
from tests.docs.pages import DOCS, blocks
from trainers import methods, own

NETWORKS, DATA, METHODS = ((DOCS / f"{page}.md").read_text() for page in ("networks", "data", "methods"))


def marked(page: str, mark: str) -> str:
    """Return the text of the block under a mark."""
    (text,) = [block.text for block in blocks(page) if block.mark == mark]
    return text


def install(folder: Path, pyproject: str) -> None:
    """Lay beside a module what a package's metadata say, as pip does of its pyproject.toml."""
    project = tomllib.loads(pyproject)["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        line
        for group, entries in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


def test_the_network_of_the_page_is_planned_from_its_file_and_from_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.py").write_text(marked(NETWORKS, "net"))
    path = tmp_path / "sweep.yaml"
    path.write_text(marked(NETWORKS, "sweep"))
    assert 10 <= len(marked(NETWORKS, "net").splitlines()) <= 30
    names = read(path).facts.models["digits100"]
    assert names["mine"] == names["./net.py:Net"]
    site = tmp_path / "site"
    site.mkdir()
    (site / "my_nets.py").write_text(marked(NETWORKS, "net"))
    install(site, marked(NETWORKS, "pyproject"))
    monkeypatch.syspath_prepend(site)
    assert list(own.offered(own.NETWORKS)) == ["my_net"]
    path.write_text(
        marked(NETWORKS, "sweep").replace("./net.py:Net\n", "my_net\n").replace("-> ./net.py:Net  ", "-> my_net")
    )
    assert list(own.broken_plugins(own.NETWORKS, ())) == []
    assert read(path).facts.models["digits100"]["my_net"].startswith("own_Net_")


def test_the_data_of_the_page_are_planned_from_their_file_and_from_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data.py").write_text(marked(DATA, "data"))
    path = tmp_path / "sweep.yaml"
    path.write_text(marked(DATA, "sweep"))
    assert 10 <= len(marked(DATA, "data").splitlines()) <= 30
    info = read(path).facts.datasets["stripes"]
    assert (info.classes, info.fit + info.validation, info.test, info.view_set) == (10, 400, 200, "pad4-crop")
    site = tmp_path / "site"
    site.mkdir()
    (site / "my_data.py").write_text(marked(DATA, "data"))
    install(site, marked(DATA, "pyproject"))
    monkeypatch.syspath_prepend(site)
    assert list(own.broken_plugins(own.DATASETS, ())) == []
    path.write_text(marked(DATA, "sweep").replace("from: ./data.py:make, ", ""))
    assert read(path).facts.datasets["stripes"].digest == info.digest


def test_the_method_of_the_page_is_one_once_its_package_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_methods.py").write_text(marked(METHODS, "method"))
    install(tmp_path, marked(METHODS, "pyproject"))
    path = tmp_path / "sweep.yaml"
    entry = "methods: {mine: {power: {grid: [1, 2]}}}\n"
    assert entry.strip() in METHODS
    path.write_text(f"name: own\ndataset: digits100\npairs: tinyresnet -> tinycnn\n{entry}seeds: 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    methods.forget_plugins()
    try:
        assert [one.label for one in read(path).entries[0].rows()] == ["mine power=1", "mine power=2"]
    finally:
        monkeypatch.undo()
        methods.forget_plugins()


@pytest.mark.slow  # trains five networks
@pytest.mark.timeout(300)
def test_the_sweep_of_the_networks_page_trains(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(marked(NETWORKS, "net"))
    path = tmp_path / "sweep.yaml"
    path.write_text(marked(NETWORKS, "sweep"))
    outcome = orchestrator.run([path], home=tmp_path / "home", workers=0)
    assert outcome.problems == (), outcome
    assert "Net" in (tmp_path / "home" / "reports" / "my-net" / "table.md").read_text()


@pytest.mark.slow  # trains three networks
@pytest.mark.timeout(300)
def test_the_sweep_of_the_data_page_trains(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text(marked(DATA, "data"))
    path = tmp_path / "sweep.yaml"
    path.write_text(marked(DATA, "sweep"))
    outcome = orchestrator.run([path], home=tmp_path / "home", workers=0)
    assert outcome.problems == (), outcome
    assert "stripes" in (tmp_path / "home" / "reports" / "my-data" / "table.md").read_text()
