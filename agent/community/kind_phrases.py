"""The phrases that tell what a message is, each a regular expression of whole words."""

from __future__ import annotations

import re


def any_of(*phrases: str) -> re.Pattern[str]:
    """A pattern of whole words, in any case."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE)


REPORT_FORM = any_of(
    r"steps? to reproduce",
    r"to reproduce",
    r"expected (?:behaviou?r|result|output)",
    r"actual (?:behaviou?r|result|output)",
    r"reproducible",
    r"repro",
    r"minimal example",
    r"stack ?trace",
    r"current behaviou?r",
    r"describe the bug",
)
"""What forms for bug reports ask for."""

FAULT = any_of(
    r"bugs?",
    r"crash(?:es|ed|ing)?",
    r"broken",
    r"breaks?",
    r"broke",
    r"regression",
    r"segfaults?",
    r"exceptions?",
    r"errors? out",
    (
        r"(?:an?|this|the|following|same|get(?:ting)?|got|gives?|throws?|raises?|with"
        r"|see(?:ing)?) (?:\w+ ){0,2}errors?"
    ),
    r"fails?",
    r"failed",
    r"failing",
    r"freez(?:es|ing)",
    r"hangs?",
    r"stutters?",
    r"doesn'?t (?:seem to )?work",
    r"does not (?:seem to )?work",
    r"not working",
    r"isn'?t working",
    r"stopped working",
    r"no longer works?",
    r"won'?t (?:start|load|open|run|build|install|work)",
    r"can(?:no|')t (?:start|load|open|run|build|install|import|save|connect)",
    r"incorrect(?:ly)?",
    r"wrong(?:ly)?",
    r"unexpected(?:ly)?",
    r"raises",
    r"throws",
    r"infinite loop",
    r"memory leak",
)
"""That something does not work."""

REQUEST = any_of(
    r"feature requests?",
    (
        r"(?:it|that|this)(?:'d| would| will) be (?:really |very |so )?(?:nice|great|good|cool"
        r"|useful|helpful|awesome|amazing|handy|ideal|better)"
    ),
    r"would be (?:nice|great|cool|useful|helpful|good|awesome|handy)",
    r"nice to have",
    r"please (?:add|support|make|consider|allow|implement|provide|include|expose|bring|let)",
    (
        r"(?:could|can|would) (?:you|we|someone) (?:please |also |maybe |possibly )*(?:add|support"
        r"|make|allow|implement|provide|include|expose|consider|change|get|have)"
    ),
    r"i(?:'d| would) (?:really )?(?:love|like) (?:to see|to have|it if|a |an |if|support)",
    r"any (?:plans?|chance)",
    r"is (?:it|this|that) planned",
    r"i (?:wish|hope) (?:there|it|you|this|that)",
    r"i propose",
    r"proposal",
    r"propose (?:to|adding|that)",
    r"suggestion",
    r"i suggest",
    r"should (?:be able to|also|support|have|allow|provide)",
    r"add (?:an? )?(?:support|option|way|flag|parameter|setting|ability)",
    r"support for",
    r"(?:we|i) need (?:a|an|some|the|to be able)",
    r"looking forward to",
    r"missing feature",
    r"wish ?list",
    r"what about adding",
    r"how about (?:adding|a|an|making)",
)
"""That something is wished for."""

ASKS = any_of(
    r"(?:how|what|why|when|where|who|which|whose) .*",
    (
        r"(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|am) (?:there|it|this"
        r"|that|the|a|an|you|we|i|they|he|she|anyone|someone|anybody|any|my|your|these|those) .*"
    ),
)
"""How a sentence that asks begins."""

WONDERS = any_of(
    r"i(?:'m| am|'ve been| was)? (?:just )?wonder(?:ing)?",
    r"any ideas?",
    r"anyone know",
    r"does anyone",
    r"(?:can|could) (?:some|any)(?:one|body) (?:explain|tell|help|point)",
    r"curious (?:if|whether|how|what|why)",
    r"not sure (?:how|if|whether|what|why)",
    r"i don'?t (?:know|understand|get) (?:how|why|what|if)",
    r"help me",
    r"need help",
    r"questions? (?:about|on|regarding)",
    r"clarif(?:y|ication)",
)
"""Asking without a question mark."""

ANSWERS = any_of(
    r"you (?:can|could|should|need to|have to|may|might|must|don'?t need)",
    r"try (?:to|using|the|with|setting|adding|running|this|it|removing|upgrading)",
    r"use (?:the|a|an|code|this|it)",
    r"see (?:the|also|code|link|here|#\d+|my|this)",
    r"fixed (?:in|by|with|it|this)",
    (
        r"(?:that|this|it)(?:'s| is) (?:because|due|by design|expected|intended|fixed|done|a known"
        r"|already|possible|not possible|not supported|supported)"
    ),
    r"should (?:be fixed|work (?:now|with|if))",
    r"released (?:in|with)",
    r"works? (?:for me|now|if|when|with)",
    r"the (?:reason|solution|fix|answer|workaround) is",
    r"workaround",
    r"as (?:of|mentioned|documented)",
    r"instead of",
    r"have a look",
    r"take a look",
    r"closing (?:this|as|since|in favou?r)",
    r"duplicate of",
    r"merged",
    r"i(?:'ve| have)? (?:just )?(?:pushed|fixed|released|merged|published|updated|opened|added)",
    r"no,",
    r"yes,",
    r"yep",
    r"yeah,",
    r"nope",
    r"not yet",
    r"correct",
    r"exactly",
    r"indeed",
    r"in (?:v|version )?\d+\.\d+",
)
"""What answers say."""

PRAISE = any_of(
    r"thank(?:s| you| u)",
    r"thx",
    r"ty",
    r"awesome",
    r"amazing",
    (
        r"great (?:work|job|project|library|tool|write-?up|post|stuff|to see|news|idea|article"
        r"|release|feature|addition)"
    ),
    r"love (?:it|this|the|how|that|your)",
    r"nice (?:work|job|one|post|write-?up|article|feature|addition|to see)",
    r"well done",
    r"good (?:job|work|stuff)",
    r"brilliant",
    r"fantastic",
    r"excellent",
    r"wonderful",
    r"impressive",
    r"cool",
    r"kudos",
    r"congrat(?:s|ulations)",
    r"appreciate",
    r"beautiful",
    r"perfect",
    r"works (?:great|perfectly|like a charm|beautifully|flawlessly)",
    r"life ?saver",
    r"best \w+ ever",
    r"super (?:useful|helpful)",
    r"very (?:useful|helpful)",
)
"""Thanks and praise."""

COMPLAINT = any_of(
    r"annoying",
    r"frustrat(?:ing|ed)",
    r"terrible",
    r"horrible",
    r"awful",
    r"useless",
    r"disappoint(?:ed|ing)",
    r"hate",
    r"sucks?",
    r"ridiculous",
    r"unacceptable",
    r"a pain",
    r"painful",
    r"worst",
    r"driving me (?:mad|crazy|nuts)",
    r"unusable",
    r"confusing",
    r"waste of",
    r"fed up",
    r"sick of",
    r"makes no sense",
    r"too (?:slow|complicated|hard|expensive|many)",
    r"poor(?:ly)?",
    r"bad (?:docs|documentation|experience|idea|design)",
    r"nightmare",
    r"a mess",
    r"unfortunately",
)
"""Displeasure."""

SMALL_TALK = any_of(
    r"hi",
    r"hello",
    r"hey",
    r"good (?:morning|evening|night|afternoon)",
    r"lol",
    r"lmao",
    r"haha+",
    r"brb",
    r"gm",
    r"gn",
    r"welcome",
    r"happy (?:birthday|new year|holidays)",
    r"merry christmas",
    r"cheers",
    r"bye",
)
"""Greetings and the like."""
