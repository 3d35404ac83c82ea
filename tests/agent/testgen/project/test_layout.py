from __future__ import annotations

from pathlib import Path

import pytest

from copydesk.agent.testgen.project.layout import (
    fixtures,
    function_node,
    import_name,
    nearest_test,
    project_folder,
    source_roots,
)


def put(tree: Path, *files: str, text: str = "") -> Path:
    for name in files:
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return tree


@pytest.mark.parametrize(
    ("files", "path", "expected"),
    [
        (["src/slugify/__init__.py"], "src/slugify/slugify.py", "slugify.slugify"),
        (["src/slugify/__init__.py"], "src/slugify/__init__.py", "slugify"),
        (["src/spaced/inner/deep.py"], "src/spaced/inner/deep.py", "spaced.inner.deep"),
        (["src/tool.py"], "src/tool.py", "tool"),
        (["src/__init__.py", "src/tool.py"], "src/tool.py", "src.tool"),
        (["shop/__init__.py"], "shop/cart.py", "shop.cart"),
        (["spaced/cart.py"], "spaced/cart.py", "spaced.cart"),
        (["train.py"], "train.py", "train"),
        (["my-app/shop/__init__.py"], "my-app/shop/cart.py", "shop.cart"),
        (["my-script.py"], "my-script.py", ""),
        (["shop/class.py"], "README.md", ""),
        (["__init__.py"], "__init__.py", ""),
    ],
)
def test_import_name_follows_the_layout(
    tmp_path: Path, files: list[str], path: str, expected: str
) -> None:
    assert import_name(path, put(tmp_path, *files)) == expected


def test_source_roots_take_src_only_when_it_holds_modules(tmp_path: Path) -> None:
    assert source_roots(tmp_path) == (".",)
    (tmp_path / "src").mkdir()
    assert source_roots(tmp_path) == (".",)
    put(tmp_path, "src/pkg/__init__.py")
    assert source_roots(tmp_path) == ("src", ".")
    put(tmp_path, "src/__init__.py")
    assert source_roots(tmp_path) == (".",)


SOURCE = """
def plain(): ...
class Box:
    async def open(self):
        def inner(): ...
if True:
    def conditional(): ...
else:
    def otherwise(): ...
try:
    import fast
except ImportError:
    def fallback(): ...
value = 1
"""


@pytest.mark.parametrize(
    "name",
    ["plain", "Box.open", "Box.open.<locals>.inner", "conditional", "otherwise", "fallback"],
)
def test_function_node_finds_functions_wherever_they_are_defined(name: str) -> None:
    node = function_node(SOURCE, name)
    assert node is not None
    assert node.name == name.rsplit(".", 1)[-1]


@pytest.mark.parametrize("name", ["Box", "missing", "value", "Box.missing", "<module>", ""])
def test_function_node_has_nothing_for_what_is_no_function(name: str) -> None:
    assert function_node(SOURCE, name) is None


def test_function_node_has_nothing_for_source_that_does_not_parse() -> None:
    assert function_node("def broken(:", "broken") is None


def test_nearest_test_goes_by_name_and_by_folder(tmp_path: Path) -> None:
    put(tmp_path, "shop/__init__.py", "shop/cart.py", "tests/test_cart.py")
    assert nearest_test(tmp_path, "shop/cart.py") == "tests/test_cart.py"
    put(tmp_path, "tests/shop/test_cart.py", ".venv/x/test_cart.py")
    assert nearest_test(tmp_path, "shop/cart.py") == "tests/shop/test_cart.py"
    put(tmp_path, "tests/shop_test.py")
    assert nearest_test(tmp_path, "shop/__init__.py") == "tests/shop_test.py"


def test_the_test_of_a_private_module_may_leave_out_its_underscore(tmp_path: Path) -> None:
    put(tmp_path, "shop/_legacy.py", "tests/test_legacy.py")
    assert nearest_test(tmp_path, "shop/_legacy.py") == "tests/test_legacy.py"
    put(tmp_path, "tests/test__legacy.py")
    assert nearest_test(tmp_path, "shop/_legacy.py") == "tests/test__legacy.py"
    put(tmp_path, "shop/_cart.py", "shop/cart.py", "tests/test_cart.py")
    assert nearest_test(tmp_path, "shop/_cart.py") is None


def test_nearest_test_goes_by_imports_when_no_name_fits(tmp_path: Path) -> None:
    put(tmp_path, "shop/__init__.py", "shop/cart.py")
    put(tmp_path, "tests/test_everything.py", text="from shop.cart import Cart\n")
    put(tmp_path, "tests/test_other.py", text="import shop.cartoon\n")
    assert nearest_test(tmp_path, "shop/cart.py") == "tests/test_everything.py"
    assert nearest_test(tmp_path, "shop/bag.py") is None
    assert nearest_test(tmp_path, "my-script.py") is None


def test_fixtures_are_listed_with_their_arguments(tmp_path: Path) -> None:
    put(
        tmp_path,
        "tests/conftest.py",
        text="@pytest.fixture\ndef shop(tmp_path, *, name): ...\ndef helper(): ...\n",
    )
    put(tmp_path, "tests/test_x.py", text="@fixture(scope='module')\nasync def till(): ...\n")
    put(tmp_path, "tests/test_broken.py", text="def (")
    assert fixtures(tmp_path) == (
        ("shop", ("tmp_path", "name"), "tests/conftest.py"),
        ("till", (), "tests/test_x.py"),
    )


def test_a_project_in_a_subfolder_has_its_own_names_and_tests(tmp_path: Path) -> None:
    for folder, name in (("backend", "shop"), ("my worker/src", "worker")):
        (tmp_path / folder / name).mkdir(parents=True)
        (tmp_path / folder / name / "__init__.py").write_text("")
        (tmp_path / folder / name / "utils.py").write_text("x = 1\n")
    for folder in ("backend", "my worker"):
        (tmp_path / folder / "pyproject.toml").write_text("[project]\n")
        (tmp_path / folder / "tests").mkdir()
        (tmp_path / folder / "tests" / "test_utils.py").write_text("")
    assert import_name("backend/shop/utils.py", tmp_path) == "shop.utils"
    assert import_name("my worker/src/worker/utils.py", tmp_path) == "worker.utils"
    for path, folder in (("backend/shop/utils.py", "backend"),
                         ("my worker/src/worker/utils.py", "my worker")):  # fmt: skip
        assert project_folder(path, tmp_path) == folder
        assert nearest_test(tmp_path, path) == f"{folder}/tests/test_utils.py"
