from page import format_price, page, table_row


def test_prices_have_a_symbol_and_two_decimals():
    assert format_price(1234.5) == "$1,234.50"


def test_cells_are_escaped():
    assert table_row(["<b>"]) == "<tr><td>&lt;b&gt;</td></tr>"


def test_the_page_names_its_subject():
    assert "ACME" in page("ACME", [1.0, 2.0, 3.0], "hold")
