"""The words, the sentences and the people of The Drowned Bell, a play without end.

A pattern is a row of symbols: the name of a rule below (PATTERNS), the name of a class of words
(WORDS), a mark (MARKS), or a word that stands for itself. A speaker's habits multiply the weight
of any symbol: a word, a rule, a mark, the END of a speech, another speaker's name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# The share of the word of rank r in its class is proportional to 1 / (r + RANK_SHIFT), r = 1, 2, ..
# (Mandelbrot's form of Zipf's law): the shift keeps the first words from drowning the others.
RANK_SHIFT = 12

# Words in the order of their frequency, the commonest first.
_WORDS = {
    "OWN": "the my thy this that our his her your no some every yon their each another",
    "SHALL": "shall will must doth may would did can might should cannot",
    "WILL": "shall will must may would can might should",
    "SHALT": "shalt wilt must dost mayst wouldst didst canst shouldst",
    "WE": "I we they you",
    "THEM": "me thee him us them it you",
    "ASK": "why when how where wherefore whence",
    "HOW": "softly slowly gently soon bravely coldly darkly faintly gladly meekly patiently",
    "NEAR": """in beneath by on upon near beyond at within o'er behind above beside 'neath under
        below past 'mid without around athwart""",
    "WHEN": "when while till though since ere if because lest unless whilst whereat until",
    "CRY": """O alas nay hark come peace ay fie soft marry lo away tush courage hush farewell well
        fool welcome mercy out""",
    "NAME": """Elowen Perran Morvane Tallow Oswin Treen Brine Merryn Jory Kerensa Hedra Cador Ysella
        Massen Tamsin Piran Rosenwyn Gawen""",
    "THING": """heart sea moon bell crown ship hand rose sword candle tide eye tongue door star wind
        ring cup ash bone letter axe grave lamp bow stone coin box mirror wound cap rope bed dew net
        gate ear key feather egg harp anchor gem drum cradle ink thorn dagger ivy shroud loaf jar
        glove lantern keg window sail lip oar hearth log ladder wheel map chain mast mug bottle
        purse oak cloak fiddle pen apple book pin veil kettle rag saddle pillow rib garland hook rod
        spade hammer saw needle thread sun basket pebble tub flute throne urn sceptre robe vow seal
        banner wig helm shield yew arrow tower leaf bridge blanket song boot bucket tomb button cask
        tale chalice clock tear comb compass name crust plough debt fan flag dove goblet hat horn
        jewel kerchief knife locket medal nail nut onion pie pike pipe pot quill raft razor rudder
        sack scarf shell shoe sickle sieve spoon stool tankard tapestry thimble trumpet whistle
        wreath yoke almanac bagpipe candlestick weathercock spyglass nutshell cheese goose
        herring""",
    "PERSON": """king widow lover sailor friend fool mother brother stranger captain friar thief
        ghost child lady gentleman sister beggar boy father maid cook master shepherd guest soldier
        cousin heir miller daughter knave son traitor lad fisherman bride lass priest neighbour monk
        orphan poet nun drunkard scholar page piper physician rogue jailer tailor sage baker cobbler
        sire hangman midwife slave pilgrim usurer squire juggler ferryman thane sexton pedlar wife
        smuggler prophet witch tapster lutenist wretch astrologer bellfounder""",
    "PLACE": """sea harbour grave night world chapel shore sky garden house mill wall hill water
        river market forest tower bay tavern meadow cave cellar castle den valley storm fen court
        snow field bridge churchyard ford orchard island grove lighthouse cliff heath prison quay
        inn barn marsh isle cloister well lane attic causeway moor kitchen vineyard park belfry
        sandbank pit scaffold counting-house pool nunnery reef road tent town vale wood yard""",
    "IDEA": """love death grief time hope sorrow sleep honour silence mercy fortune faith truth
        pride music youth wisdom patience art envy fear ease winter joy fate night gold guilt
        laughter memory hate peace beauty lust age anger luck hunger courage rage justice folly rest
        duty summer ruin darkness virtue shame desire pity thirst revenge slander toil repentance
        thunder war custom solitude wit marriage thrift wrath modesty gossip melancholy eloquence
        prudence""",
    "FOLK": """waves stars bells gulls kings ships tears fools men lovers years winds dreams sailors
        shadows roses lords ghosts ants widows birds apes hours wolves bats children oaths boys
        fishes clouds cats drums candles cows thieves mothers crows angels saints dogs bees secrets
        doves songs ravens ears graves lanterns eels swallows owls elms soldiers moths eyes monks
        nettles feet flies physicians gods cockles mice hags lawyers geese hens mermaids lobsters
        imps aldermen porpoises jays kites lads lips moles oaks pigs rats rams rooks seals sins sons
        suns toads tombs vows wasps wives words worms""",
    "ADJ": """sweet cold old poor drowned gentle bitter dark silver false weary broken pale bright
        little silent strange proud apt golden idle bold hungry black calm white foolish coy
        faithful hollow damp wild ancient deaf green blind deep quiet lonely dim soft heavy dry
        crooked noble dull salt rotten fat blessed secret fine young empty grim red honest hot
        burning sleepy ill cruel humble keen mortal sullen kind tender narrow lean wicked holy mild
        rusty patient new restless frozen odd wooden merry plain naked stubborn raw royal rough sad
        grey wandering shy barren costly sick borrowed crimson sly dusty dusky sour eager early tame
        fickle fair thin fallow forgotten true frail ghostly vast giddy guilty vain hasty homely
        vile idolatrous impatient warm jealous lame weak lawful leaky wet limping lukewarm wry
        moonlit musty nameless nimble painted penniless perilous pious rain-washed ragged ripe
        savage seaworn shipwrecked slippery smoky solemn spiteful starless stolen tardy threadbare
        toothless treacherous unburied unlucky unwritten velvet wintry worm-eaten yellow""",
    "DEED": """love bear keep break find mend forget guard steal bury kiss follow hold leave curse
        hear carry sell aid know praise ask bless lose beg wake hide bite mock serve buy seek betray
        call remember forgive cut weigh bind dig trust light eat wear teach end marry bring free
        spend swallow hang answer summon conquer measure heal question deny help feed cheat hunt
        comfort crown hurt pardon quench kill devour darken lend banish borrow lift chide command
        mar devise disdain miss entreat flatter name gather govern owe haunt imprison pay inherit
        lament pull murder nourish ride obey outlive rob pawn persuade plunder poison save pluck
        rebuke seal redeem ransom slay reap rock spin scorn spy sharpen shun stab sweeten undo sue
        unlock unmask tame unsay usurp tear untangle wed tell whip worship thank outface overhear
        touch shipwreck try turn use vex want wash win""",
    "FARE": """sleep weep die sing wait burn rise fall speak drown dream lie walk wander tremble
        stand live dance ache return laugh bend vanish fade cry sink shine err mourn linger fail
        howl whisper float perish rest flow drift sigh fly rot kneel fret wither flicker go blush
        decay grow knock hover lag swim cease leap complain crumble limp gallop glimmer melt groan
        hobble pass languish lurk pray moulder murmur run repent slumber sail smoulder stammer sit
        stumble tarry sob totter yawn stay swoon swell wail wane""",
    "DONE": """drowned dead lost gone broken undone forgot sold found asleep awake betrayed forgiven
        buried burnt stolen abroad mended bled crowned forsworn dumb bound silent drunk forsaken
        blest fled banished hidden free cursed wed hurt mad weary ill risen fallen lame spent ended
        late ashore aboard loose married poisoned mute avenged bewitched shut bankrupt bereft sick
        besieged confessed slain cracked deceived sour entombed frozen spoilt hanged mildewed torn
        moonstruck pawned worn pickled repaid shipwrecked translated unbuttoned unmasked unsung""",
    "HAST": """loved lost kissed drowned broken found buried sold kept seen forgot heard cursed
        mended stolen betrayed known forgiven met burnt worn won weighed followed sought hidden
        feared torn blessed mocked slain borrowed swallowed wed served pawned shunned pitied
        devoured fed measured poisoned paid plucked quenched robbed ransomed scorned saved sharpened
        unlocked sworn wronged usurped drunk overheard""",
    "WAY": """tonight softly still anon again alone here long now there together vainly thus slowly
        gently well soon betimes ill yet already fast bravely coldly oft boldly untimely once darkly
        faintly yonder gladly honestly idly meekly nightly patiently privately sweetly tomorrow
        unseen unheard wisely barefoot backwards thrice""",
}


def _third_person(verb: str) -> str:
    if verb.endswith(("s", "x", "z", "sh", "ch", "o")):
        return verb + "es"
    return re.sub("(?<![aeiou])y$", "ie", verb) + "s"


WORDS: Mapping[str, tuple[str, ...]] = {
    **{name: tuple(words.split()) for name, words in _WORDS.items()},
    "DEEDS": tuple(_third_person(verb) for verb in _WORDS["DEED"].split()),
    "FARES": tuple(_third_person(verb) for verb in _WORDS["FARE"].split()),
}

# Each line: a weight, then a pattern. What a mark leads to stands in MARKS.
PATTERNS: Mapping[str, str] = {
    "OPENING": """
        10 SENTENCE
         5 HAIL , ADDRESS
         4 CRY , ADDRESS
         1 CRY , HAIL !""",
    "NEXT": """
        16 SENTENCE
         5 END""",
    "SENTENCE": """
         9 STATEMENT
         4 QUESTION
         3 COMMAND
         3 LAMENT
         2 PROVERB
         2 OATH
         2 VOW""",
    "STATEMENT": """
        12 CLAUSE .
         1 'tis but OBJECT .""",
    "QUESTION": """
         4 what PERSON DEEDS OBJECT ?
         3 who DEEDS OBJECT ?
         4 ASK SHALL OWN THING REST ?
         2 whither is OWN THING ?
         2 hast thou HAST OBJECT ?
         2 is OWN THING DONE ?
         2 SHALT thou DEED OBJECT ?""",
    "COMMAND": """
         5 DEED OBJECT .
         3 let OWN THING REST .
         2 go , DEED OBJECT .
         2 never DEED OBJECT .
         2 DEED THEM not , HAIL !""",
    "LAMENT": """
         4 O ADJ IDEA , O ADJ THING !
         3 how HOW OWN THING FARES !
         2 woe to OWN PERSON !
         2 O , that OWN THING might FARE !
         1 farewell the FOLK , farewell IDEA !""",
    "PROVERB": """
         4 IDEA is but the THING of IDEA .
         3 he that FARES must DEED OBJECT .
         2 as IDEA FARES , so IDEA FARES .
         2 better IDEA than IDEA .""",
    "OATH": """
         3 by the THING of IDEA , ADDRESS
         2 by my troth , ADDRESS
         1 I swear by OBJECT .""",
    "VOW": """
         5 WE WILL DEED OBJECT .
         2 I have HAST OBJECT .
         2 WE WILL not FARE .
         1 I dreamt of OBJECT .""",
    "ADDRESS": """
         4 CLAUSE .
         1 DEED OBJECT .
         1 'tis ADJ .
         1 we are DONE .""",
    "RUN": """
         6 and CLAUSE .
         6 WHEN CLAUSE .
         3 but CLAUSE .
         3 as ADJ as OBJECT .
         2 for IDEA is ADJ , and IDEA is ADJ .
         2 ADJ and ADJ .
         2 FOLK and FOLK , FOLK and FOLK .
         2 NEAR the PLACE , NEAR GROUND .
         1 so , HAIL , ADDRESS""",
    "CLAUSE": """
         8 SUBJECT PREDICATE
         4 MANY ACT
         3 WE ACT
         1 thou SHALT DEED OBJECT""",
    "PREDICATE": """
         5 DEEDS OBJECT
         3 FARES
         3 FARES WAY
         3 FARES NEAR GROUND
         2 SHALL DEED OBJECT
         1 SHALL REST
         3 is DONE""",
    "ACT": """
         6 DEED OBJECT
         4 REST""",
    "REST": """
         2 FARE
         3 FARE WAY
         3 FARE NEAR GROUND""",
    "SUBJECT": """
         5 OWN THING
         5 OWN ADJ THING
         3 OWN PERSON
         2 OWN ADJ PERSON
         2 IDEA""",
    "OBJECT": """
         6 OWN THING
         5 OWN ADJ THING
         2 OWN PERSON
         2 OWN ADJ PERSON
         2 THEM
         2 IDEA
         2 FOLK
         2 ADJ FOLK""",
    "MANY": """
         3 FOLK
         3 ADJ FOLK
         1 all the FOLK""",
    "GROUND": """
         5 OWN PLACE
         3 OWN ADJ PLACE""",
    "HAIL": """
         5 good PERSON
         4 ADJ PERSON
         3 NAME
         2 ADJ NAME
         1 good my lord""",
}

# What a mark writes after a word: a weight, the text, and the rule that goes on from there (the
# empty name: the rest of the pattern). ANSWER, who speaks next, is made from SPEAKERS below.
MARKS: Mapping[str, tuple[tuple[float, str, str], ...]] = {
    ",": ((1, ", ", ""),),
    ".": (
        (11, ".\n", "NEXT"),
        (8, ",\n", "RUN"),
        (2, ";\n", "RUN"),
        (1, ":\n", "RUN"),
        (1, "!\n", "NEXT"),
        (1, "--\n", "RUN"),
    ),
    "?": ((1, "?\n", "NEXT"),),
    "!": ((1, "!\n", "NEXT"),),
    "END": ((1, "\n", "ANSWER"),),
    "SPEAKS": ((1, ":\n", "OPENING"),),
}


@dataclass(frozen=True)
class Speaker:
    """Someone in the play, with the share of speeches they would have if nobody had habits."""

    name: str
    share: float
    favourites: str
    habits: Mapping[str, float] = field(default_factory=dict)


# A favourite word is this many times as likely as its rank says.
FONDNESS = 8.0

SPEAKERS: tuple[Speaker, ...] = (
    Speaker(
        "DUKE",
        10,
        "crown throne sword sceptre banner royal proud golden obey command govern honour pride",
        {"COMMAND": 3, "QUESTION": 0.5, "END": 0.4, "our": 4, ";": 3, "ELOWEN": 2, "TALLOW": 2},
    ),
    Speaker(
        "ELOWEN",
        9,
        "moon rose window veil mirror silver gentle dream shine garden stars tender kiss Perran",
        {"QUESTION": 4, "OATH": 0.3, "END": 0.8, "PERRAN": 4, "WIDOW": 2},
    ),
    Speaker(
        "PERRAN",
        8,
        "heart love letter harp thorn sweet burning sigh tremble worship desire beauty Elowen",
        {"LAMENT": 4, "VOW": 3, "my": 3, "END": 0.6, "ELOWEN": 5, "FRIAR": 2},
    ),
    Speaker(
        "WIDOW",
        7,
        "sea grave bell shroud salt drowned bury mourn waves shore grief memory unburied candle",
        {"STATEMENT": 2, "PROVERB": 2, ":": 3, "GHOST": 9, "CAPTAIN": 2},
    ),
    Speaker(
        "FRIAR",
        6,
        "mercy faith patience bless forgive pardon holy humble kneel chapel angels saints repent",
        {"PROVERB": 5, "COMMAND": 2, "LAMENT": 0.4, "END": 0.7, "PERRAN": 3, "NURSE": 2},
    ),
    Speaker(
        "CAPTAIN",
        6,
        "ship anchor mast rudder rope tide wind harbour shipwrecked leaky sailors sink drift",
        {"OATH": 5, "COMMAND": 2, "!": 2, "First Sailor": 6, "Second Sailor": 5},
    ),
    Speaker(
        "TALLOW",
        6,
        "goose cheese herring onion pie kettle tankard fool swallow drunkard pickled merry marry",
        {"OATH": 4, "QUESTION": 2, "CRY": 3, "END": 2.5, "NURSE": 4, "DUKE": 3},
    ),
    Speaker(
        "NURSE",
        4,
        "cradle thimble needle child pillow blanket gossip marriage midwife little sleepy hush",
        {"STATEMENT": 2, "--": 8, ",": 3, "HAIL": 2, "END": 0.5, "ELOWEN": 5, "TALLOW": 3},
    ),
    Speaker(
        "First Sailor",
        3,
        "net oar sail gulls fishes quay tavern howl swim lobsters mermaids rough hungry",
        {"QUESTION": 2, "END": 3, "Second Sailor": 9, "CAPTAIN": 3},
    ),
    Speaker(
        "Second Sailor",
        2,
        "bottle purse coin thieves steal pawn sell market wicked hangman borrowed bankrupt gold",
        {"OATH": 3, "END": 3, "First Sailor": 9, "CAPTAIN": 2},
    ),
    Speaker(
        "GHOST",
        0.8,
        "silence darkness cold hollow pale nameless remember haunt revenge rot below unsung forgot",
        {"LAMENT": 3, "HAIL": 0.2, "thou": 3, "END": 0.5, "WIDOW": 9},
    ),
    Speaker(
        "All",
        0.5,
        "king crown gods men drown courage justice mercy",
        {"LAMENT": 6, "WE": 2, "we": 5, "!": 3, "END": 9, "DUKE": 6},
    ),
)
