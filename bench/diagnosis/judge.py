"""What an answer of `fsrcnn diagnose --json` is worth.

    named       the verdict says where the mistake is and what it is, in whatever words
    half        of a pair: one of the two is named
    place only  the right first layer, and that no cause is known, or only which of its numbers are wrong
    unknown     that no cause is known, without the right layer
    WRONG       a cause or a place that is not the planted one; a wrong port called right, a right one called wrong
    failed      no answer: the program refused the dumps, crashed or ran out of time
    right       (of right ports) called right

Words are judged by synonyms: a kind asks for groups of them, and any wording that has one of each group passes. Read
are the verdict, what has the same result by its own words, and the causes that the table of layers gives.
"""

import json
import re
from dataclasses import dataclass, field

WORDS = {
    "tile": r"tiles?\b|strips?\b|blocks?\b|halos?\b|seams?\b|stripes?\b|chunks?\b|every \d+ (row|column|pixel|line)s?",
    "border": r"borders?\b|edges?\b|margins?\b|outer|outermost|frame\b"
    r"|(first|last|top|bottom|left|right) (row|column|line)s?",
    "neighbour": r"neighbou?r\w*|around it|beyond (it|them)|next to",
    "replicate": r"replicat\w*|repeat\w*|edge (values?|pixels?)|nearest|extend\w*"
    r"|clamp\w* (address|coordinate)|copies|copied",
    "last": r"\blast|bottom|right.?most|right (row|column|edge|border|side)|\bend\b|final|lower",
    "row": r"\brows?\b|\blines?\b|scanlines?",
    "column": r"\bcolumns?\b",
    "zero": r"\bzeros?\b|(is|are|of|all|holds?|equals?) 0\b(?!\.)|zeroed|vanish\w*",
    "missing": r"missing|left out|\bnot (added|applied|used|written|computed|there|summed|run|loaded)"
    r"|never|without|lacks?|skipped|dropped|omitted|absent|ignored|lost|no (bias|activation|layer|kernel)"
    r"|ends? too (soon|early)|one (too few|short)",
    "swap": r"exchang\w*|swap\w*|permut\w*|interchang\w*|mixed up|switched|trad\w+ places|in each other's|reorder\w*",
    "channel": r"channels?|feature maps?|\bmaps?\b|lanes?|outputs?\b|filters?",
    "kernel": r"kernels?|weights?|filters?|\btaps?",
    "layer": r"feature.extraction|shrinking|mapping.\d|expanding|deconvolution|layer before|the layer",
    "slope": r"slopes?|prelus?|leak\w*|negative (side|values|part)|activation",
    "scale": r"scaled?\b|scales?\b|scaling|factor|multipli\w+|times (too|as|larg|smal)"
    r"|\bgain|ratio|too (large|small|high|low|big)|larger|smaller|doubled|halved|half\b",
    "shifted": r"shift\w*|\boff\b|off by|mov\w+|offset|displac\w*|roll\w*|delay\w*"
    r"|\blate\b|\bearly|lags?\b|too far|misaligned",
    "old": r"\bold\b|earlier|previous|before|left\s?over|stale|not (cleared|updated|refreshed)",
    "twice": r"twice|doubled?|two times|2 times|\b2x|again|a second time",
}

UNKNOWN = (
    r"neither .* explain|no (known )?(mistake|cause|hypothesis)|(can|could) ?not (be )?(explain|say|tell|name)|"
    r"unexplained|nothing (.* )?explains|unknown (cause|mistake|reason)|no(ne| one) of .* explain|"
    r"not (explained|known) (by|why)|"
    r"does not (match|fit) any"
)

# Answers that are true where the numbers of a layer are wrong, but tell no cause: "5 of the 144 kernels are others".
VAGUE = {
    "kernel": r"^(?!.*another model).*(kernels?|weights?)\b.*(not the ones?|not those|others?\b|differ)",
    "slope": r"(slopes?|prelu|activation)\b.*(not the ones?|not those|others?\b|differ)",
    "bias": r"bias(es)?\b.*(not the ones?|not those|others?\b|differ|the first\b)",
    "input": r"(input|picture|luma)\b.*(not the ones?|another|others?\b|differ|[\d.]+ times (the )?input)",
}

# A wrong input is seen in the first layer.
INPUT_PLACES = {"input", "picture", "feature extraction"}


@dataclass
class Answer:
    """What the program said."""

    exit_code: int
    seconds: float  # of the processor
    text: str = ""  # stdout, or the message if there is no answer
    right: bool | None = None
    verdict: str = ""
    layer: str = ""
    causes: list = field(default_factory=list)  # ids of mistakes and names of files that it holds responsible
    table: str = ""  # the causes in the table of layers

    @classmethod
    def read(cls, exit_code, stdout, stderr, seconds, folder):
        """folder: the case's; what follows its name is a dump's file, whose words are not the program's."""

        def own_words(text):
            text = re.sub(re.escape(str(folder)) + r"[^\s',:;]*", "the dump", text)
            text = re.sub(r" \(without: [^)]*\)", "", text)  # how large the difference is, and not what is missing
            return re.sub(r"\b(?:kernel|bias|prelu)/\w+/(kernel|bias|prelu)(\d+)_(\d+)\.txt", r"\1 \2 \3", text)

        try:
            data = json.loads(stdout)
        except json.JSONDecodeError:
            text = (stdout + stderr).strip() or "nothing was printed"
            file = re.search(r"\d\d_(\w+)_(?:convolution|prelu|bias|clamp)|(preds)", text)
            layer = plain((file[1] or "deconvolution") if file else "")
            return cls(exit_code, seconds, text, verdict=own_words(text), layer=layer)
        same = [str(s) for s in data.get("same_result", [])]
        rows = [
            f"{row.get('layer', '')}: {own_words(row['cause'])}" for row in data.get("layers", []) if row.get("cause")
        ]
        return cls(
            exit_code,
            seconds,
            stdout,
            bool(data["right"]),
            own_words(" ".join([data.get("verdict", ""), *same])),
            plain(data.get("layer", "")),
            [*data.get("mistakes", []), *data.get("files", [])],
            " ".join(rows),
        )

    @property
    def all_words(self):
        return plain(self.verdict + " " + self.table)

    @property
    def confident(self):
        """Whether it claims to know a cause."""
        return bool(self.causes) or not re.search(UNKNOWN, self.verdict, re.IGNORECASE)


def plain(text):
    """Layers are written 'mapping 2', whatever an answer makes of them."""
    return re.sub(r"(feature|mapping)_(?=extraction|\d)", r"\1 ", str(text))


def has(text, pattern):
    for word, synonyms in WORDS.items():
        pattern = pattern.replace(f"<{word}>", f"(?:{synonyms})")
    return re.search(pattern, text, re.IGNORECASE) is not None


def places(mistake, layers, setting):
    """The layers that a right answer may give as the place."""
    if mistake.layer == "input":
        return INPUT_PLACES
    allowed = {mistake.layer}
    if setting == "ends" and mistake.beside:  # what one layer stores wrongly, the next one may read wrongly
        at = layers.index(mistake.layer) + mistake.beside
        allowed |= set(layers[at : at + 1])
    return {plain(layer) for layer in allowed}


def is_there(case, mistake, answer, layers, setting):
    """Whether the answer has this mistake's place: its layer; of two mistakes, or without dumps between, in words."""
    allowed = places(mistake, layers, setting)
    if answer.layer in allowed or (mistake.spreads and setting == "ends"):
        return True
    in_words = any(re.search(rf"\b{re.escape(place)}\b", answer.all_words, re.IGNORECASE) for place in allowed)
    return in_words and (setting == "ends" or len(case.mistakes) > 1 or not answer.layer)


def is_named(case, mistake, answer, layers, setting):
    words = answer.all_words
    if not is_there(case, mistake, answer, layers, setting):
        return False
    beside = " ".join(other.kind for other in case.mistakes if other is not mistake)
    if mistake.unless and has(words, mistake.unless) and not has(beside, mistake.unless):  # not the other's own words
        return False
    return any(all(has(words, pattern) for pattern in way) for way in mistake.groups())


def judge(case, answer, layers, setting):
    """The grade of an answer; layers: names of the network's layers in order."""
    if not case.mistakes:
        if answer.right is None:
            return "failed"
        named = case.says and all(has(answer.all_words, pattern) for pattern in case.says)
        return "right" if answer.right or named else "WRONG"
    named = [is_named(case, mistake, answer, layers, setting) for mistake in case.mistakes]
    if answer.right is None:
        return "named" if all(named) else "failed"
    if answer.right:  # nothing may be wrong but what a note can tell
        return "named" if all(named) and all(m.mild for m in case.mistakes) else "WRONG"
    if all(named):
        return "named"
    if any(named):
        return "half"
    vague = any(mistake.vague and has(answer.verdict, VAGUE[mistake.vague]) for mistake in case.mistakes)
    if answer.confident and not vague:
        return "WRONG"
    first = min(case.mistakes, key=lambda m: -1 if m.layer == "input" else layers.index(m.layer))
    there = answer.layer in places(first, layers, setting)
    if setting == "ends":  # where the last layer is the only one that has a dump, its name says nothing
        return (
            "place only" if there and (vague or answer.layer != plain(layers[-1])) else "WRONG" if vague else "unknown"
        )
    return "place only" if there else "WRONG"
