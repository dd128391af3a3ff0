"""What to run: the schema of a sweep file, its checks, and its expansion into cells, rows, trials and searches.

file = read(Path("search_spaces/quickstart.yaml"))   # every problem at once, as SweepFileError
sweep = expand(file)                                 # everything there is to do
print(describe_plan(sweep).to_text())
"""

from search_spaces.files.dimensions import Dimension, value_text
from search_spaces.files.entries import Row
from search_spaces.files.errors import Problem, SweepFileError
from search_spaces.files.races import proposal_text
from search_spaces.files.schema import SweepModel
from search_spaces.plan import Plan, Speed, describe_plan
from search_spaces.plan.notes import notes
from search_spaces.plan.recipe_changes import RecipeChange, recipe_changes
from search_spaces.sweeps.expansion import expand, restore
from search_spaces.sweeps.members import Member
from search_spaces.sweeps.outcomes import nothing_to_confirm
from search_spaces.sweeps.reading import SweepFile, read
from search_spaces.sweeps.renewing import renewed
from search_spaces.sweeps.searches import Search
from search_spaces.sweeps.sweep import Cell, DataSetPlan, Resources, Sweep, TeacherPlan

__all__ = [
    "Cell",
    "DataSetPlan",
    "Dimension",
    "Member",
    "Plan",
    "Problem",
    "RecipeChange",
    "Resources",
    "Row",
    "Search",
    "Speed",
    "Sweep",
    "SweepFile",
    "SweepFileError",
    "SweepModel",
    "TeacherPlan",
    "describe_plan",
    "expand",
    "notes",
    "nothing_to_confirm",
    "proposal_text",
    "read",
    "recipe_changes",
    "renewed",
    "restore",
    "value_text",
]
