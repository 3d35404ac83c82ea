"""Words by which styles differ. Only of these is learnt which an author uses, and which never:
a list of our own cannot hold a name or a number of somebody's posts.
"""

from __future__ import annotations

from copydesk.agent.stories.vocabulary import words

STYLE_WORDS = words(
    "actually awesome basically bug bugs bump cheers chores cool crafted delightful delve ditch"
    " elegant enhance enhancement enhancements ensure excited exciting feature features finally"
    " fix fixed folks fun gotcha great handy happy hence heads-up hopefully improvement"
    " improvements issue issues journey just leverage lots mend mended moreover nasty neat nice"
    " nifty nope obviously okay oops perhaps polish pretty proud quick quite really release"
    " released robust seamless seamlessly ship shipped shiny simply small soon squashed stuff"
    " super sweet thanks thrilled thus tidy tiny tweak tweaked tweaks unlock utilize various"
    " version whilst yay yep"
)
