"""What a case is, and how kinds are registered.

A kind of mistake is a function that plants it: `plant(port, layer, random, **parameters)`, where layer is one of the
port's (or the port itself, if the mistake is in reading the picture). `@at` makes a case of it, `@kind` registers all:

    @kind("dead channel", "<channel>", r"\\b{channel}\\b", "<zero>|dead|empty")
    @at("mapping_2", channel=3)
    def dead_channel(port, layer, random, channel): ...

The texts after the kind's name are regular expressions, each of which a verdict matches that names the mistake; <word>
stands for the synonyms in judge.WORDS, {parameter} for a parameter of the case. `also` are other names of the effect.
"""

import importlib
from dataclasses import dataclass, field

FULL, ACTIVATIONS, ENDS = "full", "activations", "ends"
SETTINGS = (FULL, ACTIVATIONS, ENDS)
SIZES = {"small": (24, 20), "large": (160, 112)}

# The files that have kinds. To which set a kind belongs, follows from the file in which it stands.
FILES = ("places", "channels", "numbers", "loader")
MORE = ("more_places", "more_channels", "more_numbers", "more_loader", "more_input")
THIRD = ("third_places", "third_channels", "third_loader", "third_numbers")
FOURTH = ("places", "channels", "activations", "numbers", "loader", "input", "pairs")
FRESH = ("places", "channels", "activations", "numbers", "loader", "input", "disguises", "pairs")
LOTS = (*FILES, *MORE, *THIRD, "disguises", "pairs")
MODULES = {
    "tuned": (
        *(f"tuned_{file}" for file in LOTS),
        *(f"tuned_retired_{file}" for file in LOTS),
        *(f"tuned_fourth_{file}" for file in FOURTH),
    ),
    "held_out": tuple(f"held_out_{file}" for file in FRESH),
}


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in a port."""

    kind: str
    layer: str  # or "input"
    plant: object
    parameters: dict
    says: tuple  # regular expressions, each of which the verdict must match
    also: tuple  # alternatives to says: tuples like it
    beside: int = 0  # 1: without a dump between, the next layer's reading may be wrong as well
    spreads: bool = False  # without dumps between, nobody can tell where it began: any place is right
    unless: str = ""  # what the verdict must not say: words of other kinds that would pass
    vague: str = ""  # a key of judge.VAGUE: what is true of it without being the cause
    mild: bool = False  # the port may be called right, if this is said

    def groups(self):
        """The ways to name it: lists of regular expressions."""
        return [[self.fill(text) for text in way] for way in (self.says, *self.also)]

    def fill(self, text):
        for key, value in self.parameters.items():
            text = text.replace("{" + key + "}", str(value))
        return text


@dataclass(frozen=True)
class Case:
    """A port and what is wrong with it: one mistake, two (a pair), or none (a disguise, which has `dress` instead)."""

    name: str
    mistakes: tuple = ()
    dress: object = None
    says: tuple = ()  # of a disguise: regular expressions of a verdict that may pass in place of "right"
    picture: str = "small"
    network: str = "fsrcnn-x2"
    settings: tuple = SETTINGS

    @property
    def kind(self):
        return " + ".join(m.kind for m in self.mistakes) if self.mistakes else self.name.split("/")[0]


@dataclass
class Kinds:
    """All kinds of one set, in the order of their files."""

    cases: list = field(default_factory=list)
    plants: dict = field(default_factory=dict)
    names: set = field(default_factory=set)


REGISTRY = {"tuned": Kinds(), "held_out": Kinds()}


class NotHere(Exception):
    """The mistake cannot be made in this network; the case is left out."""


def set_of(name, function):
    """The set of a kind, of which no other has the name: that of the file in which it stands."""
    if any(name in kinds.names for kinds in REGISTRY.values()):
        raise ValueError(f"there are two kinds '{name}'")
    group = next(group for group in REGISTRY if function.__module__.startswith(group))
    REGISTRY[group].names.add(name)
    return group


def label_of(words, parameters, *unusual):
    """A case's name; unusual: (what it has, what most have)."""
    given = [f"{key}={value}" for key, value in parameters.items()]
    return "/".join([*words, *given, *(has for has, most in unusual if has != most)])


def at(layer, picture="small", network="fsrcnn-x2", settings=None, **parameters):
    """A case of the kind below: the mistake at this layer, with these parameters."""

    def attach(plant):
        plant.__dict__.setdefault("places", []).insert(0, (layer, picture, network, settings, parameters))
        return plant

    return attach


def kind(name, *says, also=(), beside=0, spreads=False, unless="", vague="", mild=False):
    """Registers the kind and its cases."""

    def register(plant):
        group = set_of(name, plant)
        kinds = REGISTRY[group]

        def mistake(layer, **parameters):
            return Mistake(name, layer, plant, parameters, says, also, beside, spreads, unless, vague, mild)

        kinds.plants[name] = mistake
        for index, (layer, picture, network, settings, parameters) in enumerate(plant.places):
            label = label_of([name, layer], parameters, (picture, "small"), (network, "fsrcnn-x2"))
            if settings is None:  # the first case of a kind in all of them, the others in one each, in turn
                settings = SETTINGS if index == 0 else SETTINGS[(len(kinds.cases) + index) % 3 :][:1]
            kinds.cases.append(Case(label, (mistake(layer, **parameters),), None, (), picture, network, settings))
        return plant

    return register


def disguise(name, *variants, bound, says=()):
    """Registers a right port in disguise, a case for each variant (a dictionary of parameters).

    `dress(dressing, **variant)` writes its dumps by dressing.save (see dumps.py), whose values differ by no more than
    bound, times full scale, from the right ones. `says`: for ports whose weights are coarse, what may be said of them
    in place of "right".
    """

    def register(dress):
        group = set_of(name, dress)
        for variant in variants or ({},):
            parameters = dict(variant)
            picture = parameters.pop("picture", "small")
            network = parameters.pop("network", "fsrcnn-x2")
            setting = parameters.pop("setting", FULL)
            label = label_of([name], parameters, (picture, "small"), (network, "fsrcnn-x2"), (setting, FULL))

            def put_on(dressing, parameters=parameters, setting=setting):
                dressing.bound, dressing.setting = bound, setting
                dress(dressing, **parameters)

            REGISTRY[group].cases.append(Case(label, (), put_on, tuple(says), picture, network, (setting,)))
        return dress

    return register


def pair(first, second, settings=(FULL, ENDS), picture="small", network="fsrcnn-x2"):
    """A case of two mistakes, each (kind, layer, parameters), of kinds of one set."""
    group = next(group for group, kinds in REGISTRY.items() if first[0] in kinds.plants)
    if second[0] not in REGISTRY[group].plants:
        raise ValueError(f"the pair '{first[0]}' and '{second[0]}' is of two sets")
    plants = REGISTRY[group].plants
    mistakes = tuple(plants[k](layer, **parameters) for k, layer, parameters in (first, second))
    name = "pair/" + " + ".join(f"{m.kind}/{m.layer}" for m in mistakes)
    REGISTRY[group].cases.append(Case(name, mistakes, None, (), picture, network, settings))


def load(group):
    """All cases of a set."""
    for module in MODULES[group]:
        importlib.import_module(module)
    names = [case.name for case in REGISTRY[group].cases]
    if len(set(names)) < len(names):
        raise ValueError(f"two cases have one name: {sorted(n for n in set(names) if names.count(n) > 1)}")
    return REGISTRY[group].cases
