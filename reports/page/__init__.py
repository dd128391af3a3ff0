"""One HTML page with everything of a report: tables to sort and filter, figures, the runs behind every number.

It is a single file that asks nothing of any other place. `page` makes it of tables, figures and what is known of
trials (`data`): template.html has all of its markup, page.css its looks, the scripts sort, filter, open and copy.
"""

from reports.page.page import render

__all__ = ["render"]
