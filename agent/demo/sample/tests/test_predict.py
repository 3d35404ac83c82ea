from predict import clamp, predict_price, signal


def test_steady_growth_goes_on():
    assert predict_price([100.0, 101.0, 102.01, 103.0301, 104.0604]) > 104


def test_a_big_rise_is_a_reason_to_buy():
    assert signal(0.05) == "buy"


def test_a_plausible_return_is_left_alone():
    assert clamp(0.05) == 0.05
