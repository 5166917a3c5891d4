"""Tasks with one sample and one test: DMS, DMRS, DMC, their mixtures, and location_DMS."""

from collections.abc import Callable, Mapping

import numpy as np

from tasks.task import Rule, Task
from tasks.trial import NON_MATCH, Batch


class DelayedMatch(Task):
    """Does the test match the sample under the rule?"""

    def trials(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """Sample, rule cue, and a test; its receptive field is drawn where there are several."""
        p = batch.p
        labels = {'rule': batch.draw_rule(), 'sample': batch.draw_direction()}
        test, match = batch.draw_test(labels['sample'], labels['rule'])
        field = 0
        if self.num_receptive_fields > 1:
            field = batch.rng.integers(1, self.num_receptive_fields, batch.size)
            labels['test_location'] = field
        batch.show(p['sample_time_rng'], labels['sample'])
        batch.cue(p['rule_time_rng'][0], labels['rule'])
        period, catch = batch.single_test(NON_MATCH + match)
        batch.show(period, test, field, where=~catch)
        return labels | {'test': test, 'match': match, 'catch': catch}


def rotation(degrees: int, **attributes) -> DelayedMatch:
    """A task in which a test matches if it is the sample turned by `degrees`."""
    return DelayedMatch(rules=(('rotation', degrees),), **attributes)


def mixed(cues: Callable, num_rule_tuned: int, *rules: Rule, **attributes) -> DelayedMatch:
    """A task in which a cue says which of the rules applies."""
    suggested = {'num_rule_tuned': num_rule_tuned}
    return DelayedMatch(rules=rules, cues=cues, suggested=suggested, **attributes)
