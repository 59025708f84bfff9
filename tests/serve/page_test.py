"""The page in a real browser: Debian's chromium, driven by Playwright."""

import re
import shutil

import pytest
import requests

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("chromium is not installed", allow_module_level=True)
expect = sync_api.expect
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def browser():
    # A camera that shows a test picture, and a person who allows it.
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=camera)
        yield browser
        browser.close()


@pytest.fixture(params=[1200, 390], ids=["wide", "phone"])
def page(browser, server, request):
    """The page; whatever the browser complains of fails the test."""
    phone = request.param == 390
    context = browser.new_context(
        viewport={"width": request.param, "height": 844}, has_touch=phone, is_mobile=phone
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server)
    page.locator("body.ready").wait_for()
    yield page
    # A refusal of the server is a line in a browser's console too.
    complaints = [text for text in said if "status of 400" not in text]
    assert not complaints
    assert all(url.startswith((server, "blob:", "data:")) for url in asked)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def choose(page, *files):
    page.set_input_files(
        "#choose", [{"name": n, "mimeType": "image/png", "buffer": data} for n, data in files]
    )


def expected(server, data):
    return requests.post(f"{server}/predict", data=data).json()


def test_a_chosen_photo_is_judged_in_words_and_on_the_ruler(page, server, photos):
    answer = expected(server, photos[1])
    choose(page, ("part.png", photos[1]))
    decision = page.locator("#decision")
    expect(decision).to_have_text(answer["decision"].capitalize())
    assert "part.png" in page.locator("#judged").inner_text()
    assert f"{answer['score']:.3g}"[:4] in page.locator("#sentence").inner_text()
    size = decision.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
    assert size >= 40
    assert "this photo" in page.locator("#ruler svg").get_attribute("aria-label")
    # The map lies over the photo, pixel for pixel.
    photo, map_ = (page.locator(name).bounding_box() for name in ("#photo", "#map"))
    assert photo == map_ and photo["width"] > 100
    page.locator("#show-map").uncheck()
    expect(page.locator("#map")).to_be_hidden()


def test_a_photo_is_dropped_or_pasted(page, photos):
    give = """([bytes, kind]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, {type: "image/png"}));
        const event = kind === "drop"
            ? new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true})
            : new ClipboardEvent("paste", {clipboardData: data, bubbles: true});
        document.body.dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        page.evaluate(give, [list(photos[0]), kind])
        expect(page.locator("#shown-name")).to_have_text(f"{kind}.png")
    expect(page.locator("#list li")).to_have_count(2)


def test_the_slider_says_what_another_threshold_would_have_said(page, server, photos):
    scores = [expected(server, data)["score"] for data in photos[:12]]
    own = requests.get(f"{server}/model").json()["threshold"]
    choose(page, *[(f"{i}.png", data) for i, data in enumerate(photos[:12])])
    expect(page.locator("#list li")).to_have_count(12)
    verdict = page.locator("#verdict")
    above = sum(score > own for score in scores)
    expect(verdict).to_contain_text(f": {above} of the last 12 photos.")
    slider = page.locator("#other")
    slider.focus()
    page.keyboard.press("Home")
    expect(verdict).to_contain_text(f": 12 of the last 12 photos, in place of {above}.")
    expect(verdict).to_contain_text("100% of the held-out normal images are.")
    expect(page.locator("#list .badge.anomaly")).to_have_count(12)
    expect(page.locator("#list .changed")).to_have_count(12 - above)
    # The decision about the photo stays the model's.
    last = "Anomaly" if scores[11] > own else "Normal"
    expect(page.locator("#decision")).to_have_text(last)
    page.locator("#back").focus()
    page.keyboard.press("Enter")
    expect(verdict).to_contain_text(f": {above} of the last 12 photos.")
    expect(page.locator("#list .changed")).to_have_count(0)


def test_only_the_last_fifty_are_kept(page, photos):
    choose(page, *[(f"{i}.png", photos[i % 40]) for i in range(53)])
    expect(page.locator("#shown-name")).to_have_text("52.png")
    expect(page.locator("#list li")).to_have_count(50)
    expect(page.locator("#list li").last).to_contain_text("3.png")


def test_it_is_used_with_a_keyboard_alone(page, photos):
    choose(page, ("first.png", photos[0]), ("second.png", photos[1]))
    expect(page.locator("#list li")).to_have_count(2)
    expect(page.locator("#shown-name")).to_have_text("second.png")
    page.locator("#list button").last.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#shown-name")).to_have_text("first.png")
    expect(page.locator("#decision")).to_be_focused()
    # Whatever takes the focus has a name.
    page.locator("body").press("Home")
    for name in ("choose", "show-map", "actual", "other"):
        element = page.locator(f"#{name}")
        element.focus()
        expect(element).to_be_focused()
        expect(element).to_have_accessible_name(re.compile(r"\w"))


def test_a_screen_reader_is_told(page, photos):
    live = page.locator("#judged")
    assert live.get_attribute("aria-live") == "polite"
    choose(page, ("part.png", photos[0]))
    expect(live).to_contain_text(re.compile("Normal|Anomaly"))
    choose(page, ("text.png", b"no image"))
    alert = page.get_by_role("alert")
    expect(alert).to_have_text("text.png: not a PNG, JPEG, BMP, WebP or TIFF image")
    expect(page.locator("#list li")).to_have_count(1)
    choose(page, ("again.png", photos[0]))
    expect(alert).to_be_hidden()


def test_a_name_is_text_and_nothing_else(page, photos):
    name = "<img src=x onerror=document.title='run'><script>document.title='run'</script>.png"
    choose(page, (name, photos[0]))
    expect(page.locator("#shown-name")).to_have_text(name)
    expect(page.locator("#list .name")).to_have_text(name)
    choose(page, (name, b"no image"))
    expect(page.get_by_role("alert")).to_contain_text(name)
    expect(page).to_have_title("parts")


def test_a_camera_is_pointed_at_a_part(page):
    page.locator("#watch").click()
    # Once it plays.
    expect(page.locator("#shoot")).to_be_focused()
    page.locator("#shoot").click()
    expect(page.locator("#shown-name")).to_contain_text("camera")
    expect(page.locator("#decision")).to_have_text(re.compile("Normal|Anomaly"))
    page.locator("#unwatch").click()
    expect(page.locator("#camera")).to_be_hidden()


def test_a_phone_takes_a_photo_with_its_own_camera(page):
    take = page.locator("#take")
    assert take.get_attribute("capture") == "environment"
    narrow = page.viewport_size["width"] == 390
    expect(page.get_by_text("Take a photo")).to_be_visible(visible=narrow)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_light_and_dark(page, photos, scheme):
    page.emulate_media(color_scheme=scheme)
    choose(page, ("part.png", photos[0]))
    colours = "e => [getComputedStyle(e).color, getComputedStyle(document.body).backgroundColor]"
    text, ground = (
        sum(map(int, re.findall(r"\d+", colour)[:3]))
        for colour in page.locator("h1").evaluate(colours)
    )
    assert (text < ground) == (scheme == "light") and abs(text - ground) > 450
