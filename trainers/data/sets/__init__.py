"""The data sets, one file each.

Views and recipes of pictures are those of the GDKD paper's code (facts of its configurations), the number of views is
ours.
"""
