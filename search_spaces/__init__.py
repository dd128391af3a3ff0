"""What to run: the schema of a sweep file, its checks, and its expansion into cells, rows, trials and searches.

file = read(Path("search_spaces/quickstart.yaml"))   # every problem at once, as SweepFileError
sweep = expand(file)                                 # everything there is to do
print(describe_plan(sweep).to_text())
"""

from search_spaces.dimensions import Dimension, value_text
from search_spaces.entries import Row
from search_spaces.errors import Problem, SweepFileError
from search_spaces.expansion import expand, restore
from search_spaces.members import Member
from search_spaces.notes import notes
from search_spaces.outcomes import nothing_to_confirm
from search_spaces.plan import Plan, Speed, describe_plan
from search_spaces.reading import SweepFile, read
from search_spaces.recipe_changes import RecipeChange, recipe_changes
from search_spaces.renewing import renewed
from search_spaces.schema import SweepModel
from search_spaces.searches import Search
from search_spaces.sweep import Cell, DataSetPlan, Resources, Sweep, TeacherPlan

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
    "read",
    "recipe_changes",
    "renewed",
    "restore",
    "value_text",
]
