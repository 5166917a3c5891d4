"""docs/recording.md: trials of one's own in a trained network, and one without a unit."""

import re

import numpy as np
from shell import ROOT

TEXT = (ROOT / 'docs' / 'recording.md').read_text('utf-8')


def test_the_network_answers_and_misses_a_unit(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    first, second = re.findall(r'```python\n(.*?)```', TEXT, re.S)
    names = {}
    exec(first, names)
    right = float(capsys.readouterr().out.removeprefix('right:'))
    assert right > 0.9
    whole, input_before = names['h'], names['neural_input'].copy()
    assert whole.shape == (300, 64, 100)
    assert whole[..., 17].max() > 0
    exec(second, names)
    assert names['h'][..., 17].max() == 0
    assert not np.array_equal(names['h'][0, :, :17], whole[0, :, :17])  # from the first step on
    np.testing.assert_array_equal(names['neural_input'], input_before)
