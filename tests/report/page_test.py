import dataclasses
import html
import html.parser
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from conftest import ROOT, run_python
from PIL import Image

from tf_ssae import report
from tf_ssae.calibration.share import Share
from tf_ssae.evaluation.regions import Region
from tf_ssae.system.text import printable

NASTY = "<script>alert(\"x\")</script> & 'größe'/异常-صورة.png"
VOID = {"meta", "img", "br", "input"}
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)


class Page(html.parser.HTMLParser):
    """A parsed page: its tags, texts and attributes. Fails on a tag that is closed out of order, or
    never.
    """

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.open, self.tags, self.texts, self.attributes, self.rows = [], [], [], [], []
        self.continues = False
        self.feed(self.source)
        self.close()
        assert not self.open
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        if tag == "wbr":  # A place where a line may break, no more.
            self.continues = True
            return
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        if self.continues:
            self.texts[-1] += data
        elif "style" not in self.open:
            self.texts.append(data)
        self.continues = False
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


def card(name="a.png", size=8, channels=1):
    generator = np.random.default_rng(0)
    tile = generator.integers(0, 256, [size, size, channels], np.uint8)
    return report.Card(
        name=name,
        note="scratch",
        scores={"a_rec": 12.5, "a_ws": 0.75},
        decision="anomaly",
        tile=tile,
        p_value=0.004,
        reconstruction=255 - tile,
        error_map=generator.uniform(0, 3, [size, size]),
        rotation_probabilities=np.array([0.9, 0.1, 0.25, 1.0]),
    )


LINK = "../photos/gr%C3%B6%C3%9Fe.png"


def photo(name, score, **changes):
    """A photo that is anomalous in its upper left corner."""
    size, anomaly_map = 40, np.zeros([40, 40])
    anomaly_map[2:12, 4:8] = 3
    return report.Photo(
        name,
        score,
        p_value=0.01,
        size=(400, 400),
        picture=np.full([size, size, 3], 128, np.uint8),
        anomaly_map=anomaly_map,
        regions=(Region((40, 20, 40, 100), 4000, 3.0, (60.0, 70.0)),),
        **changes,
    )


# Four normal images and three anomalies; a_ws is above its threshold for one and two of them, and
# equal to it for one each.
TRUTH = np.array([False, False, False, False, True, True, True])
A_WS = np.array([0.1, 0.2, 0.5, 0.9, 0.5, 0.6, 0.8], np.float32)

FULL = report.Report(
    title="digits <&> anomaly 0",
    facts=(("test images", "7"), ("note", NASTY)),
    warnings=("Only 7 test images.", f"{NASTY} is odd."),
    decision_score="a_ws",
    thresholds={"a_rec": 30.0, "a_ws": 0.5},
    held_out_scores={"a_rec": np.linspace(1, 20, 50), "a_ws": np.linspace(0, 0.6, 60)},
    scores={"a_rec": 50 * A_WS, "a_ws": A_WS},
    is_anomaly=TRUTH,
    metrics={
        name: {
            "average_precision": 0.81234,
            "auroc": 0.75,
            "pr_auc_trapezoid": 0.8,
            "average_precision_at_0.1": 0.5,
        }
        for name in ("a_rec", "a_ws")
    },
    pixel_metrics={"pixel_auroc": 0.93, "aupro": 0.5},
    rotation_accuracy={"held-out": 0.93, "normal": 0.92, "anomalous": 0.61},
    reconstructions=(
        (f"Normal {NASTY}", np.zeros([3, 8, 8, 1]), np.full([3, 8, 8, 1], 1.0)),
        ("Anomalies", np.zeros([1, 200, 200, 3]), np.full([1, 200, 200, 3], 0.5)),
    ),
    synthetic_defects=(np.zeros([2, 16, 16, 1]), np.full([2, 16, 16, 1], 0.5)),
    history=tuple(
        {"epoch": epoch, "loss": 1 / epoch, "rotation_accuracy": 0.5, "val_loss": 2 / epoch}
        for epoch in (1, 2, 3)
    ),
    kinds=("good", "good", "good", "good", "hole", NASTY, "hole"),
    found_synthetic=Share(67, 99, 0.58, 0.77),
    drift=(f"Drift of {NASTY}.", A_WS, np.linspace(0, 0.4, 60)),
    anomalies=(
        photo(NASTY, 0.9, kind="good", is_false=True, link=LINK),
        photo("b.png", 0.8, kind="hole", fired="a_rec and a_cls"),
        photo("a.png", 0.6, kind=NASTY),
        report.Photo("listed.png", 0.55, p_value=0.01),
    ),
    unlisted=1234,
    misses=(photo("missed.png", 0.5, kind="hole", is_false=True),),
    made=(("Made", "today"), ("Command", NASTY)),
    galleries=(
        ("Alarms", "The highest a_ws.", (card(), card(NASTY, 16, 3))),
        ("False alarms", "Normal images among them.", ()),
    ),
    unreadable=(),
    settings={"dataset": "digits", "data_dir": NASTY},
)

# A scoring of new images by a detector with one score, which neither rebuilds nor classifies
# rotations.
BARE = report.Report(
    title="Scores of <&>",
    facts=FULL.facts,
    warnings=FULL.warnings,
    decision_score="a_ws",
    thresholds={"a_ws": 0.5},
    held_out_scores={},
    scores={"a_ws": A_WS},
    galleries=(
        (
            "Alarms",
            "",
            (report.Card(NASTY, "", {"a_ws": 0.75}, "anomaly", card(NASTY, 200, 3).tile),),
        ),
    ),
    unreadable=tuple((f"{index}-{NASTY}", "truncated") for index in range(1234)),
    settings={"data_dir": NASTY},
)

VARIANTS = {
    "full": FULL,
    "bare": BARE,
    "only normals": dataclasses.replace(FULL, is_anomaly=np.zeros(7, bool)),
    "no image was scored": dataclasses.replace(BARE, scores={"a_ws": np.array([])}, galleries=()),
    "equal scores": dataclasses.replace(
        FULL, scores={"a_ws": np.full(7, 0.5)}, held_out_scores={"a_ws": np.full(9, 0.5)}
    ),
    "infinite threshold": dataclasses.replace(FULL, thresholds={"a_rec": 30.0, "a_ws": np.inf}),
    "one epoch, a gap": dataclasses.replace(
        FULL, history=({"epoch": 1, "loss": 0.5, "l_rec": np.nan},)
    ),
}


def page(tmp_path, shown):
    path = tmp_path / "report.html"
    report.write(path, shown)
    return Page(path)


@pytest.mark.parametrize("variant", VARIANTS)
def test_page_is_whole_and_loads_nothing(tmp_path, variant):
    parsed = page(tmp_path, VARIANTS[variant])
    assert "script" not in parsed.tags and "link" not in parsed.tags
    references = [
        value
        for name, value in parsed.attributes
        if name in ("src", "srcset", "data", "action") or (name == "href" and value != LINK)
    ]
    references += re.findall(r"url\(\s*[\"']?([^\"')]*)", parsed.source)
    assert all(re.match("data:image/(png|webp);base64,", value) for value in references)
    assert "@import" not in parsed.source
    drawn = [
        value
        for name, value in parsed.attributes
        if name in ("d", "points", "cx", "cy", "x", "y", "x1", "y1")
    ]
    assert not any(word in value for value in drawn for word in ("nan", "inf"))
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("shown", [FULL, BARE])
def test_names_are_shown_as_they_are(tmp_path, shown):
    parsed = page(tmp_path, shown)
    assert NASTY in parsed.texts
    assert "<script" not in parsed.source and "'größe'" not in parsed.source


@pytest.mark.parametrize("name", ["a\nb\x1b[31m\x7f.png", "\u202egnp.exe", "{{ 7 * 7 }}{% x %}"])
def test_characters_of_names_that_do_not_show_are_escapes(tmp_path, name):
    shown = dataclasses.replace(BARE, galleries=(("A", "", (card(name),)),), settings={name: name})
    parsed, name = page(tmp_path, shown), printable(name)
    assert parsed.texts.count(name) == 2 + 1
    assert parsed.source.count(f"<bdi>{name}</bdi>") == 2


def test_long_names_break_between_their_folders_first(tmp_path):
    shown = dataclasses.replace(BARE, galleries=(("A", "", (card("parts/test/0023.png"),)),))
    assert "<bdi>parts/<wbr>test/<wbr>0023.png</bdi>" in page(tmp_path, shown).source


def test_name_that_is_not_utf8(tmp_path):
    shown = dataclasses.replace(
        BARE, unreadable=((b"\xff.png".decode("utf-8", "surrogateescape"), "odd"),)
    )
    assert r"\udcff.png" in page(tmp_path, shown).texts


def test_confusion_and_rates(tmp_path):
    parsed = page(tmp_path, FULL)
    # A score that equals the threshold is not above it.
    assert ["normal", "3", "1"] in parsed.rows
    assert ["anomalous", "1", "2"] in parsed.rows
    assert "False-alarm rate 25.0% : 1 of 4 normal images." in parsed.text
    assert "Detection rate 66.7% : 2 of 3 anomalies." in parsed.text
    assert "That is the case for 16.7% of the held-out normal images." in parsed.text


def test_rates_without_anomalies(tmp_path):
    text = page(tmp_path, VARIANTS["only normals"]).text
    assert "False-alarm rate 42.9% : 3 of 7 normal images." in text
    assert "Detection rate unknown : 0 of 0 anomalies." in text
    assert "(ROC)" not in text


def test_decisions_when_the_truth_is_unknown(tmp_path):
    parsed = page(tmp_path, BARE)
    assert ["anomaly", "3", "42.9%"] in parsed.rows and ["normal", "4", "57.1%"] in parsed.rows
    assert "False-alarm" not in parsed.text and "test images (" not in parsed.text
    assert "scored images (7)" in parsed.text


def test_order_of_the_sections(tmp_path):
    text = page(tmp_path, FULL).text
    parts = (
        "test images 7",
        "Only 7 test images.",
        "a_ws (decides) 0.812 0.750 0.800 0.500 a_rec 0.812 0.750 0.800 0.500",
        "0.930 0.500",
        "False-alarm rate",
        "(ROC)",
        "Distribution of the scores",
        "anomalous test images (3)",
        "Rotation accuracy",
        "held-out 0.930",
        "Reconstructions",
        "Alarms",
        "0° 0.90 90° 0.10 180° 0.25 270° 1.00",
        "None.",
        "loss 0.3333 in the last epoch, held out 0.6667",
        "Settings",
    )
    places = [text.find(part) for part in parts]
    assert -1 not in places and places == sorted(places)


def test_scale_of_errors_is_explained_once(tmp_path):
    shown = dataclasses.replace(
        FULL,
        galleries=(("First", "", ()), ("Second", "", (card(),)), ("Third", "", (card(),))),
    )
    source = page(tmp_path, shown).source
    assert source.count('class="scale"') == 1
    assert source.index("Second") < source.index('class="scale"') < source.index("Third")
    assert 'class="scale"' not in page(tmp_path, BARE).source


def test_unreadable_files_are_counted_and_the_first_are_listed(tmp_path):
    parsed = page(tmp_path, BARE)
    assert "Files left out (1,234)" in parsed.text and "And 1,134 more." in parsed.text
    assert [f"99-{NASTY}", "truncated"] in parsed.rows and [
        f"100-{NASTY}",
        "truncated",
    ] not in parsed.rows


def test_of_many_scores_the_best_have_curves(tmp_path):
    # Four that are right, four that are wrong.
    scores = {f"a_{n}": np.where(TRUTH, 1.0, 0.0) * (1 if n < 4 else -1) for n in range(8)}
    shown = dataclasses.replace(
        FULL, scores=scores, decision_score="a_7", thresholds={"a_7": 0.5}, held_out_scores={}
    )
    texts = " ".join(page(tmp_path, shown).texts)
    assert "Of the others, those with the highest AUROC are shown." in texts
    curves = {name for name in scores if f"{name}, AUROC" in texts}
    assert curves == {"a_7", "a_0", "a_1", "a_2", "a_3"}
    assert "highest AUROC" not in " ".join(page(tmp_path, FULL).texts)


def test_reconstructions_are_one_row_of_pixels_each(tmp_path):
    parsed = page(tmp_path, FULL)
    strips = [value for name, value in parsed.attributes if name == "class" and "strip" in value]
    # Enlarged pixels stay sharp; those of larger tiles, which are shrunk, are smoothed.
    assert strips == ["strip pixelated", "strip", "strip pixelated"]
    assert "Reconstructions" not in page(tmp_path, BARE).text


def test_size_does_not_grow_with_the_images_scored(tmp_path):
    generator = np.random.default_rng(0)
    sizes = {}
    for count in (1000, 10_000):
        truth = generator.uniform(size=count) < 0.3
        shown = dataclasses.replace(
            FULL,
            is_anomaly=truth,
            kinds=None,
            scores={
                name: generator.gamma(4, 1 + 0.3 * truth)
                for name in ("a_rec", "a_cls", "a_ws", "a_max")
            },
            metrics=None,
            held_out_scores={},
            galleries=(),
        )
        sizes[count] = len(page(tmp_path, shown).source)
    assert sizes[10_000] < 1.2 * sizes[1000] < 120_000

    # Photographs compress better than this: a random image of a quarter of the size, enlarged, with
    # noise on top.
    cards = []
    for index in range(60):
        rough = (
            generator.integers(0, 200, [16, 16, 3], np.uint8).repeat(4, axis=0).repeat(4, axis=1)
        )
        noisy = rough + generator.integers(0, 12, rough.shape, np.uint8)
        cards.append(
            dataclasses.replace(card(f"{index}.png", 64, 3), tile=noisy, reconstruction=rough)
        )
    path = tmp_path / "report.html"
    report.write(path, dataclasses.replace(shown, galleries=(("Sixty", "", tuple(cards)),)))
    assert path.stat().st_size < 2_000_000


def test_failed_write_leaves_no_file_and_a_second_write_replaces_the_first(tmp_path):
    path = tmp_path / "report.html"
    path.mkdir()
    with pytest.raises(OSError):
        report.write(path, FULL)
    assert list(tmp_path.iterdir()) == [path]
    path.rmdir()
    report.write(path, FULL)
    report.write(path, BARE)
    assert "Files left out" in Page(path).text
    assert list(tmp_path.iterdir()) == [path]


def test_package_works_where_matplotlib_is_not_installed(tmp_path):
    program = """
import sys
sys.modules["matplotlib"] = None  # As if it were not installed; Keras imports it where it is.
import numpy as np
import tf_ssae.training.run
from tf_ssae import report
report.write("report.html", report.Report("", (), (), "a", {"a": 0.5}, {}, {"a": np.arange(3)}))
"""
    done = run_python("-c", program, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert "scored images (3)" in Page(tmp_path / "report.html").text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH")
@pytest.mark.parametrize("variant", ["full", "bare"])
def test_in_a_browser_the_page_is_drawn_and_fits_a_phone(tmp_path, variant):
    path = tmp_path / "report.html"
    report.write(path, VARIANTS[variant])
    image = tmp_path / "page.png"
    chromium(tmp_path, "--window-size=800,1200", f"--screenshot={image}", path.as_uri())
    with Image.open(image) as drawn:
        assert len(drawn.convert("RGB").getcolors(maxcolors=1 << 24)) > 20

    # A browser's window has a least width, which is more than a phone's; a frame has none.
    frame = tmp_path / "frame.html"
    measure = """
        const inside = this.contentDocument;
        inside.querySelectorAll('details').forEach(part => part.open = true);
        const page = inside.documentElement;
        document.title = [page.scrollWidth, page.clientWidth, page.scrollHeight].join(' ');
    """
    frame.write_text(
        '<!DOCTYPE html><iframe style="border:0;width:360px;height:800px"'
        f' onload="{html.escape(measure)}"'
        f' srcdoc="{html.escape(path.read_text(encoding="utf-8"))}"></iframe>',
        encoding="utf-8",
    )
    dump = chromium(
        tmp_path, "--hide-scrollbars", "--virtual-time-budget=5000", "--dump-dom", frame.as_uri()
    )
    # The page has a title of its own within the frame's attribute, but escaped.
    width, visible, height = map(int, re.search(r"<title>(\d+) (\d+) (\d+)</title>", dump).groups())
    assert visible == 360 and width <= visible and height > 1000


def chromium(tmp_path, *arguments):
    # As root it runs without its sandbox only.
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        *arguments,
    ]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", check=True, timeout=120
    ).stdout


def test_the_page_begins_with_a_verdict_in_words(tmp_path):
    text = page(tmp_path, FULL).text
    verdict = "It finds 2 of 3 (67%, 95% interval 9% to 99%) of the defects."
    assert text.startswith(
        f"{FULL.title} {FULL.title} {verdict} It raises a false alarm on 1 of 4 normal images"
    )
    assert "Of synthetic defects, pasted into held-out normal images, it finds 67 of 99" in text


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        (np.zeros(7, bool), "How many defects it finds is unknown: none was tested."),
        (None, "How many defects it finds is unknown: which of these images have one"),
    ],
)
def test_what_was_not_tested_is_said_to_be_unknown(tmp_path, truth, said):
    text = page(tmp_path, dataclasses.replace(FULL, is_anomaly=truth, kinds=None)).text
    assert said in text and "it finds 67 of 99" in text
    assert "Defects found against false alarms" not in text


def test_its_tables_count_defects_by_rate_of_false_alarms_and_by_kind(tmp_path):
    rows = page(tmp_path, FULL).rows
    assert ["0.5% 0 of 4", "1% 0 of 4", "2% 0 of 4", "5% 0 of 4", "10% 0 of 4"] == [
        " ".join(row[0].split()) for row in rows if " of 4" in row[0]
    ]
    # Of the holes, 0.5 and 0.8, one is above 0.5; both beat three of four normal images, or tie.
    (hole,) = [row for row in rows if row[0] == "hole"]
    assert hole[1:3] == ["1", "2"] and hole[4] == "0.688"


def test_a_score_that_finds_far_more_is_named(tmp_path):
    truth = np.arange(60) >= 30
    scores = {"a_ws": np.arange(60) % 30 / 30.0, "a_rec": np.where(truth, 2.0, 1.0)}
    worse = dataclasses.replace(
        FULL, scores=scores, is_anomaly=truth, kinds=None, thresholds={"a_ws": 0.95}
    )
    said = "Another score finds far more at as few false alarms: a_rec 100% of the defects, a_ws"
    assert said in page(tmp_path, worse).text and said not in page(tmp_path, FULL).text


def test_every_anomaly_is_a_card_with_what_an_inspector_needs(tmp_path):
    shown = page(tmp_path, FULL)
    assert "Anomalies (1,238)" in shown.text and "1,234 more are in the table" in shown.text
    for part in (
        "1.8 times the threshold, p 0.01",
        "false alarm",
        "1.6 times the threshold",
        "a_rec and a_cls",
        "40 × 100 pixels at 40, 20",
        "1.1 times the threshold",
        "Missed defects",
    ):
        assert part in shown.text, part
    assert ("href", LINK) in shown.attributes
    # The box in the picture's pixels, and two more on each side; the outline of the map.
    box = {"x": "2.0", "y": "0.0", "width": "8.0", "height": "14.0"}
    assert all(item in shown.attributes for item in box.items())
    assert ("d", "M4 2h4M4 12h4M4 2v10M8 2v10") in shown.attributes


def test_photos_are_sorted_and_unfolded_without_a_script(tmp_path):
    many = [photo(f"{i:02d}.png", 1 - i / 200, kind="hole") for i in range(60)]
    shown = page(tmp_path, dataclasses.replace(FULL, anomalies=tuple(reversed(many))))
    cards = [value for name, value in shown.attributes if name == "class" and "photo" in value]
    assert sum("folded" in value for value in cards) == 60 - 48
    # By score it is the first of the page, by name the last.
    assert ("style", "--s:0;--n:59;--k:0") in shown.attributes
    assert "Show all 60" in shown.text


def test_a_page_of_ten_thousand_images_stays_below_five_megabytes(tmp_path):
    random = np.random.default_rng(0)
    scores = random.gamma(4, size=10_000)
    noise = random.integers(0, 256, [320, 320, 3], np.uint8)
    anomalies = [
        dataclasses.replace(photo(f"{i}.png", 0.9), picture=noise if i < 300 else None)
        for i in range(5000)
    ]
    many = dataclasses.replace(
        FULL,
        scores={"a_ws": scores, "a_rec": scores},
        is_anomaly=random.random(10_000) < 0.5,
        kinds=["good"] * 10_000,
        anomalies=tuple(anomalies),
    )
    report.write(tmp_path / "report.html", many)
    assert 1e6 < (tmp_path / "report.html").stat().st_size < 5e6
