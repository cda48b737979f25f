"""The notebook factory, on small sources made here."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import build_notebooks as factory
import lab_source
import nbformat
import pytest

HEADER = """\
# ---
# jupyter:
#   dlcourse:
#     title: Tiny
#     minutes: 5
#     needs: a laptop CPU
#     requires: []
# ---

# %% [markdown]
# # Lab 09: Tiny
"""
BODY = """
# %%
import math

# %% [markdown]
# ## 1. Double

# %%
def double(x):
    \"\"\"Twice x.\"\"\"
    # BEGIN SOLUTION
    return 2 * x
    # END SOLUTION


# %%
double = check("9.1", double)

# %% tags=["solution"]
print("for teachers")
"""


@pytest.fixture
def make_source(tmp_path: Path):
    def make(body: str = BODY, header: str = HEADER, name: str = "09_tiny.py") -> Path:
        path = tmp_path / "solutions" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(header + body, encoding="utf-8")
        return path

    return make


def code_of(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def cell_of(notebook: nbformat.NotebookNode, identifier: str) -> nbformat.NotebookNode:
    return next(cell for cell in notebook.cells if cell["id"] == identifier)


def test_lab_has_a_stub_where_the_worked_notebook_has_the_solution(make_source):
    worked, lab = lab_source.make_notebooks(make_source())
    assert "    return 2 * x" in code_of(worked)
    assert "SOLUTION" not in code_of(worked)
    assert "2 * x" not in code_of(lab)
    assert '    """Twice x."""\n    raise NotImplementedError("Exercise 9.1")' in code_of(lab)


def test_cells_tagged_solution_stand_in_the_worked_notebook_only(make_source):
    worked, lab = lab_source.make_notebooks(make_source())
    assert "for teachers" in code_of(worked)
    assert "for teachers" not in code_of(lab)


def test_building_twice_gives_the_same_bytes(make_source):
    source = make_source()
    first, second = lab_source.make_notebooks(source), lab_source.make_notebooks(source)
    assert [lab_source.to_text(notebook) for notebook in first] == [lab_source.to_text(notebook) for notebook in second]


def test_ids_name_exercises_and_survive_an_insertion_above(make_source):
    before, _ = lab_source.make_notebooks(make_source())
    after, lab = lab_source.make_notebooks(make_source("\n# %% [markdown]\n# A new first remark.\n" + BODY))
    kept = {cell["id"] for cell in before.cells}
    assert kept < {cell["id"] for cell in after.cells}
    assert {"badge", "setup", "footer", "exercise-9-1", "check-9-1"} <= kept
    assert cell_of(lab, "exercise-9-1").metadata["dlcourse"] == {"exercise": "9.1"}


def test_repeated_cells_get_different_ids(make_source):
    worked, _ = lab_source.make_notebooks(make_source(BODY + "\n# %%\n1 + 1\n\n# %%\n1 + 1\n"))
    identifiers = [cell["id"] for cell in worked.cells]
    assert len(identifiers) == len(set(identifiers))


def test_badge_points_at_each_notebook_s_own_path(make_source):
    worked, lab = lab_source.make_notebooks(make_source())
    repository = lab_source.project_settings()["repository"]
    start = f"https://colab.research.google.com/github/{repository}/blob/main"
    assert f"{start}/labs/09_tiny.ipynb" in cell_of(lab, "badge").source
    assert f"{start}/solutions/09_tiny.ipynb" in cell_of(worked, "badge").source


def test_setup_asks_for_keras_2_before_tensorflow_only_where_the_lab_uses_tf_agents(make_source):
    def setup(requires: str) -> str:
        worked, _ = lab_source.make_notebooks(make_source(header=HEADER.replace("requires: []", requires)))
        return cell_of(worked, "setup").source

    plain, with_tensorflow = setup("requires: []"), setup("requires: [tensorflow]")
    with_agents = setup("requires: [tensorflow]\n#     tf_agents: true")
    assert "quiet_import" not in plain and with_tensorflow == plain + lab_source.LOAD_TENSORFLOW
    assert "TF_USE_LEGACY_KERAS" not in with_tensorflow
    assert with_agents == plain + lab_source.KERAS_2_FOR_TF_AGENTS + lab_source.LOAD_TENSORFLOW
    assert with_agents.index("TF_USE_LEGACY_KERAS") < with_agents.index('quiet_import("tensorflow")')


@pytest.mark.skipif(importlib.util.find_spec("tf_agents") is None, reason="tf-agents is not installed")
def test_setup_for_tf_agents_gives_both_keras_2_and_keras_3(make_source):
    header = HEADER.replace("requires: []", "requires: [tensorflow]\n#     tf_agents: true")
    worked, _ = lab_source.make_notebooks(make_source(header=header))
    shown = "\nimport keras, tensorflow as tf\nprint(keras.__version__[0], tf.keras.Model.__module__.split('.')[0])"
    code = cell_of(worked, "setup").source + shown
    outside = {"COLAB_RELEASE_TAG", "TF_USE_LEGACY_KERAS"}
    environment = {name: value for name, value in os.environ.items() if name not in outside}
    run = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["3", "tf_keras"]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (BODY.replace("    # END SOLUTION\n", ""), r":22: # BEGIN SOLUTION is not closed before the cell ends"),
        (BODY.replace("    return 2 * x", "    # BEGIN SOLUTION\n    return 2 * x"), r":23: .* inside the solution"),
        (BODY.replace("    # BEGIN SOLUTION\n", ""), r"END SOLUTION without"),
        (BODY.replace("# BEGIN SOLUTION", "# Begin solution"), r"is no marker"),
        (BODY.replace("# ## 1. Double", "# BEGIN SOLUTION\n# END SOLUTION"), r"in a markdown cell"),
        (BODY.replace('check("9.1", double)', "double"), r"the cell after the exercise .*def double"),
        (BODY.replace("9.1", "8.1"), r"exercise 8.1 does not belong to lab 09"),
        ("\n# %% [markdown]\n# words\n", r"no code cell"),
    ],
)
def test_broken_sources_stop_the_build_with_file_and_reason(make_source, broken, message):
    with pytest.raises(lab_source.SourceError, match=message) as caught:
        lab_source.make_notebooks(make_source(broken))
    assert "09_tiny.py" in str(caught.value)


@pytest.mark.parametrize("key", ["title", "minutes", "needs", "requires"])
def test_missing_metadata_stops_the_build(make_source, key):
    header = "".join(line for line in HEADER.splitlines(keepends=True) if f"    {key}:" not in line)
    with pytest.raises(lab_source.SourceError, match=f"needs {key}"):
        lab_source.make_notebooks(make_source(header=header))


def test_title_must_name_the_lab(make_source):
    with pytest.raises(lab_source.SourceError, match="# Lab 09: Tiny"):
        lab_source.make_notebooks(make_source(header=HEADER.replace("# # Lab 09", "# # Lab 10")))


def test_misnamed_source_is_refused(make_source, tmp_path):
    make_source(name="Tiny.py")
    with pytest.raises(lab_source.SourceError, match="named NN_topic.py"):
        lab_source.select_sources([], tmp_path)


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(lab_source.to_text(notebook), encoding="utf-8")


@pytest.fixture
def built(make_source):
    """A source with both notebooks written, the worked one with an output in its place."""
    source = make_source()
    worked, lab = lab_source.make_notebooks(source)
    for count, cell in enumerate(lab_source.code_cells(worked), 1):
        cell.execution_count = count
        cell.outputs = [nbformat.v4.new_output("stream", text=f"output {count}\n")]
    worked_path, lab_path = lab_source.notebook_paths(source)
    write(worked, worked_path)
    write(lab, lab_path)
    return source


def test_check_is_silent_when_all_is_in_step(built):
    assert factory.check(built) == []


def test_check_names_a_changed_source(built):
    built.write_text(built.read_text().replace("Twice x.", "Two times x."))
    assert "source of cell exercise-9-1" in factory.check(built)[0]


def test_check_names_a_lab_saved_with_outputs(built):
    _, lab_path = lab_source.notebook_paths(built)
    lab = json.loads(lab_path.read_text())
    next(cell for cell in lab["cells"] if cell["cell_type"] == "code")["execution_count"] = 1
    lab_path.write_text(json.dumps(lab))
    assert "edited by hand or saved with outputs" in factory.check(built)[0]


def test_check_names_a_worked_notebook_without_execution(built):
    worked_path, _ = lab_source.notebook_paths(built)
    write(lab_source.make_notebooks(built)[0], worked_path)
    assert "not executed" in factory.check(built)[0]


def test_orphaned_notebook_is_named(built, tmp_path):
    (tmp_path / "labs" / "10_ghost.ipynb").write_text("{}")
    assert "10_ghost.ipynb: has no source" in factory.orphans(tmp_path)[0]


def test_outputs_are_carried_over_when_only_text_changed(built):
    built.write_text(built.read_text().replace("## 1. Double", "## 1. Doubling"))
    worked, _ = lab_source.make_notebooks(built)
    assert factory.carry_outputs(factory.read(lab_source.notebook_paths(built)[0]), worked)
    assert lab_source.code_cells(worked)[0].outputs[0].text == "output 1\n"


def test_outputs_are_not_carried_over_changed_code(built):
    built.write_text(built.read_text().replace("import math", "import cmath"))
    worked, _ = lab_source.make_notebooks(built)
    assert not factory.carry_outputs(factory.read(lab_source.notebook_paths(built)[0]), worked)
