"""The gallery: what a scenario does, in pictures and figures, when no competitor trades.

`runs` lets a scenario happen for several seeds and looks at it once a second; `measures` says in a
few figures what happened and which of the runs is the most ordinary one; `panels` arranges that run
for a reader, who sees it on a page of its own (`page`) or as a drawing (`svg`); `agents` lets
agents hedge on the same seeds; `described` tells what a scenario's file says of itself.
"""
