"""What a sweep will take, told before anything starts: trials, recipes, teachers' answers, disk, GPU hours."""

from search_spaces.plan._base import Disk, Plan, RecipeLine, RowPlan, Speed, TeacherLine, Work
from search_spaces.plan._describe import describe_plan

__all__ = ["Disk", "Plan", "RecipeLine", "RowPlan", "Speed", "TeacherLine", "Work", "describe_plan"]
