"""Phrases that speak for a kind of message without deciding it alone."""

from __future__ import annotations

import re

from copydesk.agent.community.kind_phrases import any_of

CONFIRMS = any_of(
    r"confirm(?:ing|ed)?",
    r"can reproduce",
    r"(?:able|managed) to (?:reproduce|recreate|replicate)",
    r"same (?:issue|problem|error|thing|here)",
    r"(?:still|also) (?:happens?|exists?|seeing|having|getting|see|get|have)",
    r"seeing as well",
    r"happens? (?:to|for) me",
    r"duplicated",
)
"""That the writer sees a fault too."""

FAILING = any_of(
    (
        r"(?:does|do|did|is|was|are|has|have|wo|ca|could|would|should)(?:n'?t| not)"
        r" (?:\w+ ){0,2}(?:work|load|start|open|show|appear|run|build|update|save|get"
        r"|find|return|connect|persist|display|respond|compact|pick|seem)\w*"
    ),
    r"unable to",
    r"can(?:'?t|not) (?:get|make|figure|see|find|do|pick|use|access|log|create|set)",
    r"not (?:working|showing|loading|appearing|being|found|compacting|recognized|registered|able)",
    (
        r"(?:nothing|undefined|null|blank|empty|stuck|unresponsive|broken|missing"
        r"|hallucinat\w+|frozen|unrecognized|invalid|fatal|denied|forbidden|crash\w*"
        r"|segfault\w*|regression|leak\w*)"
    ),
    r"keeps? (?:getting|failing|happening)",
    r"issues? with",
    r"problems? with",
    r"i(?:'m| am)? (?:get|got|getting|receiving|having) (?:an?|the|this|some|same)",
)
"""That something does not do what it should."""

ANNOUNCES = any_of(
    (
        r"i(?:'ve| have)? (?:just |also )?(?:built|made|created|wrote|developed|opened"
        r"|pushed|added|updated|implemented|followed up)"
    ),
    r"(?:just|been) (?:building|working on|pushed|opened|shipped|released|made|built)",
    r"we(?:'ve| have)? (?:built|made|created|shipped|added)",
    r"introducing",
    r"check (?:it|this|them) out",
    r"here(?:'s| is) (?:my|an? (?:pr|update|recap))",
    r"(?:opened|pushed|created|new) (?:a |an? |\w+ )?prs?",
    r"pr #?\d+",
    r"update(?:d|s)?:?",
    r"feedback (?:is )?(?:welcome|appreciated)",
    r"heads up",
)
"""That the writer shows what they made."""

DONE = any_of(
    r"fixed",
    r"me?r?ge?d",
    r"merging",
    r"closed?",
    r"closing",
    r"released",
    r"resolved",
    r"implemented",
    r"solved",
    r"deployed",
    r"(?:it'?s|its|is) in now",
    r"addressed",
    r"published",
    r"should (?:now )?be (?:fixed|working|good)",
)
"""That something was done: fixed, merged, closed."""

ADVISES = any_of(
    r"you(?:'ll|'d)? (?:can|could|should|need|have to|may|might|want|must|probably|just|will|also)",
    r"try",
    r"make sure",
    r"check (?:the|that|if|out the)",
    r"use (?:the|a|an|code|this|it|version)",
    r"see (?:the|also|code|link|here|#\d+|my|this)",
    r"(?:i )?(?:would|'d) recommend",
    r"workaround",
    r"instead",
    r"in the meantime",
    r"for now",
    r"this is (?:possible|because|due|actually)",
    r"have a look",
    r"take a look at (?:the|this|link)",
    r"please (?:see|use|try|open|check|report)",
    r"that is (?:because|an issue with)",
    r"let me know (?:if|how)",
    r"give (?:that|it|this) a (?:shot|try|go)",
    r"feel free",
    r"our|we",
)
"""What helps somebody on."""

SOLVED = any_of(
    r"(?:i|we) (?:found|solved|figured|fixed|managed|needed|ended up|had to|got it|basically)",
    r"(?:it|this|that|everything) (?:now )?works?(?: now| fine)?",
    r"up and running",
    r"for anyone",
    r"in my case",
    r"for me",
    r"turns out",
    r"solution",
    r"my (?:bad|mistake)",
    r"dumb mistake",
)
"""That the writer found a way."""

PROPOSES = any_of(
    (
        r"(?:should|could|might|may)(?:n't)? (?:probably |also |maybe |just |really |be"
        r" )*(?:be|have|add|show|display|warn|use|make|move|include|allow|say|become)"
    ),
    r"(?:maybe|perhaps) (?:we|the|it|there|you)",
    r"(?:we|i)(?:'d)? (?:want|would like|would love|wish|hope|need|prefer|propose|suggest)",
    r"suggest(?:ion|ed|ing)?",
    r"instead of",
    r"it (?:would|could|might) be",
    r"feature request",
    r"is your feature request",
    r"describe the solution",
    r"no way to",
    r"not possible",
    r"option to",
    r"ability to",
    r"support for",
    r"missing",
    r"improve\w*",
    r"please",
    r"can'?t wait",
    r"useful",
    r"add(?:ing)?",
    r"what if",
)
"""That something might be otherwise."""

ASKS_FOR_REVIEW = any_of(
    (
        r"(?:could|can|would|will|mind|please) (?:you |someone |anyone |help )*(?:please"
        r" )?(?:review\w*|merge|look|take a (?:quick )?look|check|help review"
        r"|prioriti[sz]e)"
    ),
    r"(?:any|have) (?:time|chance|plans) to",
    r"needs? (?:a )?review",
    r"recommend merg\w+",
    r"time to take a look",
)
"""Asking for a review, or a merge."""

DISPLEASED = any_of(
    r"annoy\w*",
    r"pain",
    r"sucks?",
    r"sick of",
    r"ugly",
    r"kill(?:ing|s) me",
    r"silly",
    r"stupid",
    r"unfortunate(?:ly)?",
    r"sad",
    r"terrible",
    r"horrible",
    r"awful",
    r"hate",
    r"useless",
    r"frustrat\w*",
    r"disappoint\w*",
    r"confus\w*",
    r"mislead\w*",
    r"inconvenient",
    r"worst",
    r"worse",
    r"shit",
    r"fragmented",
    r"neutered",
    r"gross",
    r"weird(?:os)?",
    r"totally unusable",
    r"too (?:basic|slow|hard|many|complicated)",
    r"surprised",
    r"damn",
    r"deal ?breakers?",
    r"mess",
    r"broken",
    r"nightmare",
    r"not great",
    r"doesn't make sense",
    r"don'?t like",
)
"""Words of displeasure, in passing."""

CHAT = any_of(
    r"hi+",
    r"hello",
    r"hey",
    r"lo+l",
    r"lmao",
    r"haha+",
    r"wtf",
    r"bro",
    r"bruh",
    r"gm",
    r"gn",
    r"yo",
    r"ha",
    r"weekend",
    r"birthday",
    r"joke",
    r"wife",
    r"snow",
    r"weather",
    r"welcome",
)
"""Small talk."""

WEIGHS = any_of(
    r"concept (?:ack|nack)",
    r"n?ack",
    r"re-ack",
    r"i (?:dis)?agree",
    r"good point",
    r"i think",
    r"imo",
    r"personally",
    r"fwiw",
    r"i (?:see|understand|guess|mean|believe|like|prefer)",
    r"interesting",
    r"that'?s",
    r"would be better",
)
"""Agreeing, and weighing."""

THANKS = any_of(
    r"thank(?:s| you| u)",
    r"thx",
    r"ty",
    r"cheers",
    r"appreciate\w*",
)
"""Thanks."""

PLEASED = any_of(
    r"awesome",
    r"amazing",
    r"great",
    r"love",
    r"nice+(?:ly)?",
    r"cool",
    r"perfect(?:ly)?",
    r"fantastic",
    r"brilliant",
    r"excellent",
    r"congrats?\w*",
    r"happy",
    r"excited",
    r"looks? (?:great|cool|good|amazing)",
    r"good (?:job|work|stuff)",
    r"well done",
    r"huge",
    r"champ",
    r"rock",
    r"flawless(?:ly)?",
    r"extremely well",
    r"cooked",
    r"sick!*",
    r"insane",
    r"wow",
    r"makes sense",
    r"gonna (?:have to )?try",
    r"keep it up",
    r"helpful",
)
"""Words of praise, in passing."""
COURTESY = re.compile(
    r"(?:(?:does|do|did|would|will|could) (?:that|this|it|these suggestions) (?:help|work"
    r"|make sense|answer|clear)|make sense|sounds? good|how'?s that|thoughts|any thoughts"
    r"|what do you think|right|ok|no|correct|you know|good|let me know"
    r"|give (?:that|it|this) a (?:shot|try|go))",
    re.IGNORECASE,
)
"""How questions begin that ask for no answer."""

STARTS_ASKING = re.compile(
    r"(?:(?:hi|hey|hello|so|and|but|also|ok|okay|sorry|oh|ah|@\S+)[\s,!.-]+){0,4}(?:how|what|why"
    r"|when|where|who|which|whose|is|are|was|were|do|does|did|can|could|will|would|should|has|have"
    r"|am|any|anyone|anybody|isn't|aren't|doesn't|don't|couldn't|wouldn't)\b",
    re.IGNORECASE,
)
"""How a text begins that asks, with or without a question mark."""

SAYS_YES_OR_NO = re.compile(
    r"(?:@\S+\s+)?(?:yes|no|yep|yup|yeah|nope|sure|correct|exactly|indeed|true|right|nah"
    r"|not yet)\b",
    re.IGNORECASE,
)
TITLE_WISHES = re.compile(
    r"(?:add|allow|support|show|display|option|improve|make|use|sort|reduce|avoid|give|consider"
    r"|restore|remove|provide|enable|\[design|\[discussion|\[meta)",
    re.IGNORECASE,
)
CHANGE_LINK = re.compile(
    r"github\.com/[\w.-]+/[\w.-]+/(?:pull|issues|commit)s?/\w+|(?<![\w/])#\d{2,6}\b|\bPRs?\b"
)
TRACE = re.compile(
    r"Traceback|^\s*at [\w.$<>]+|#\d+ +0x|\w+(?:Error|Exception)\b|ERROR", re.MULTILINE
)
EMOJI = re.compile("[\U0001f300-\U0001faff☀-➿]|:\\w+:")
