"""Class names of the datasets, indexed by label id."""

# The 150 classes of the ADE20K scene-parsing benchmark, most frequent first; 0 is what nobody annotated.
ADE20K_CLASS_NAMES: tuple[str, ...] = (
    "unknown",
    *("wall", "building", "sky", "floor", "tree", "ceiling", "road", "bed", "windowpane", "grass"),
    *("cabinet", "sidewalk", "person", "earth", "door", "table", "mountain", "plant", "curtain", "chair"),
    *("car", "water", "painting", "sofa", "shelf", "house", "sea", "mirror", "rug", "field"),
    *("armchair", "seat", "fence", "desk", "rock", "wardrobe", "lamp", "bathtub", "railing", "cushion"),
    *("base", "box", "column", "signboard", "chest of drawers"),
    *("counter", "sand", "sink", "skyscraper", "fireplace"),
    *("refrigerator", "grandstand", "path", "stairs", "runway"),
    *("case", "pool table", "pillow", "screen door", "stairway"),
    *("river", "bridge", "bookcase", "blind", "coffee table", "toilet", "flower", "book", "hill", "bench"),
    *("countertop", "stove", "palm", "kitchen island", "computer"),
    *("swivel chair", "boat", "bar", "arcade machine", "hovel"),
    *("bus", "towel", "light", "truck", "tower", "chandelier", "awning", "streetlight", "booth", "television"),
    *("airplane", "dirt track", "apparel", "pole", "land", "bannister", "escalator", "ottoman", "bottle"),
    *("buffet", "poster", "stage", "van", "ship", "fountain", "conveyor belt", "canopy", "washer", "plaything"),
    *("swimming pool", "stool", "barrel", "basket", "waterfall", "tent", "bag", "minibike", "cradle", "oven"),
    *("ball", "food", "step", "tank", "trade name", "microwave", "pot", "animal", "bicycle", "lake"),
    *("dishwasher", "screen", "blanket", "sculpture", "hood", "sconce", "vase", "traffic light", "tray"),
    *("ashcan", "fan", "pier", "crt screen", "plate", "monitor", "bulletin board", "shower", "radiator"),
    *("glass", "clock", "flag"),
)

# The dataset comes without names. 0, 1, 3, 4 and 6-10 were read off real pictures and their label maps;
# 2, 5 and 11-15 occur in none of the pictures at hand, and their names are guesses.
DEEPFASHION_CLASS_NAMES: tuple[str, ...] = (
    *("background", "skin", "skirt", "pants", "top", "outerwear", "jewellery", "hair"),
    *("face", "dress", "hat", "shoes", "bag", "belt", "socks", "glasses"),
)

# The train ids of Cityscapes, then everything else (the bonnet of the camera's car, street furniture, ...).
GTA5_CLASS_NAMES: tuple[str, ...] = (
    *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign"),
    *("vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "train"),
    *("motorcycle", "bicycle", "other"),
)

CELEBAMASK_CLASS_NAMES: tuple[str, ...] = (
    *("background", "skin", "nose", "glasses", "left eye", "right eye", "left brow", "right brow"),
    *("left ear", "right ear", "mouth", "upper lip", "lower lip", "hair", "hat", "earring"),
    *("necklace", "neck", "clothes"),
)
