"""The open database of a desk, and the classes that own its tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from copydesk.agent.desk.connection import Connection

if TYPE_CHECKING:
    from copydesk.agent.desk.checkouts import Checkouts
    from copydesk.agent.desk.comparisons import Comparisons
    from copydesk.agent.desk.content_cache import ContentCache
    from copydesk.agent.desk.decision_queue import DecisionQueue
    from copydesk.agent.desk.drafts import Drafts, Verifications
    from copydesk.agent.desk.failures import FailedItems, FailedTests
    from copydesk.agent.desk.feedback import Feedback
    from copydesk.agent.desk.feedback_state import FeedbackState
    from copydesk.agent.desk.foreign_maps import ForeignMaps
    from copydesk.agent.desk.gaps import Gaps
    from copydesk.agent.desk.history import Commits, MinedHistory, Predictions
    from copydesk.agent.desk.jobs import DeferredJobs, Jobs
    from copydesk.agent.desk.measures import Measures, UnfinishedMeasures
    from copydesk.agent.desk.model_calls import ModelCalls
    from copydesk.agent.desk.passed_over import PassedOver
    from copydesk.agent.desk.publishing import ExportedFiles, SentParts
    from copydesk.agent.desk.stories import Stories
    from copydesk.agent.desk.traces import Totals, Traces
    from copydesk.agent.desk.voice import VoiceLines


class Database(Connection):
    """An open desk: `open_desk` gives one, in autocommit mode; write inside `transaction`.

    Each property is the class that runs all SQL of a family of tables. It is given this
    connection, so that its statements are part of a transaction that is open here. It is imported
    when it is first asked for: a command needs three of them, and all take 50 ms to import.
    """

    @cached_property
    def jobs(self) -> Jobs:
        """The queue of work."""
        from copydesk.agent.desk.jobs import Jobs

        return Jobs(self)

    @cached_property
    def deferred_jobs(self) -> DeferredJobs:
        """Jobs that wait for a model."""
        from copydesk.agent.desk.jobs import DeferredJobs

        return DeferredJobs(self)

    @cached_property
    def commits(self) -> Commits:
        """The commits that copydesk has seen."""
        from copydesk.agent.desk.history import Commits

        return Commits(self)

    @cached_property
    def mined_history(self) -> MinedHistory:
        """What mining the repository's history found."""
        from copydesk.agent.desk.history import MinedHistory

        return MinedHistory(self)

    @cached_property
    def predictions(self) -> Predictions:
        """Predictions and what came of them."""
        from copydesk.agent.desk.history import Predictions

        return Predictions(self)

    @cached_property
    def model_calls(self) -> ModelCalls:
        """The log of requests to the model."""
        from copydesk.agent.desk.model_calls import ModelCalls

        return ModelCalls(self)

    @cached_property
    def feedback(self) -> Feedback:
        """What readers said."""
        from copydesk.agent.desk.feedback import Feedback

        return Feedback(self)

    @cached_property
    def feedback_state(self) -> FeedbackState:
        """Files of inboxes, cursors of pulls, and offers that were decided on."""
        from copydesk.agent.desk.feedback_state import FeedbackState

        return FeedbackState(self)

    @cached_property
    def stories(self) -> Stories:
        """The stories of spans of commits, and the author's notes."""
        from copydesk.agent.desk.stories import Stories

        return Stories(self)

    @cached_property
    def voice(self) -> VoiceLines:
        """How the author writes."""
        from copydesk.agent.desk.voice import VoiceLines

        return VoiceLines(self)

    @cached_property
    def measures(self) -> Measures:
        """Measured commits."""
        from copydesk.agent.desk.measures import Measures

        return Measures(self)

    @cached_property
    def foreign_maps(self) -> ForeignMaps:
        """Maps that others measured."""
        from copydesk.agent.desk.foreign_maps import ForeignMaps

        return ForeignMaps(self)

    @cached_property
    def checkouts(self) -> Checkouts:
        """What stood beside the files of measured commits."""
        from copydesk.agent.desk.checkouts import Checkouts

        return Checkouts(self)

    @cached_property
    def passed_over(self) -> PassedOver:
        """The files of measured commits that coverage.py says nothing of."""
        from copydesk.agent.desk.passed_over import PassedOver

        return PassedOver(self)

    @cached_property
    def comparisons(self) -> Comparisons:
        """What commits changed in what the code does."""
        from copydesk.agent.desk.comparisons import Comparisons

        return Comparisons(self)

    @cached_property
    def failed_tests(self) -> FailedTests:
        """The tests of measured commits that failed."""
        from copydesk.agent.desk.failures import FailedTests

        return FailedTests(self)

    @cached_property
    def failed_items(self) -> FailedItems:
        """What of copydesk's own work could not be done, while the rest of it went on."""
        from copydesk.agent.desk.failures import FailedItems

        return FailedItems(self)

    @cached_property
    def gaps(self) -> Gaps:
        """The gaps of measured commits."""
        from copydesk.agent.desk.gaps import Gaps

        return Gaps(self)

    @cached_property
    def unfinished(self) -> UnfinishedMeasures:
        """Measures that run now, or were cut short."""
        from copydesk.agent.desk.measures import UnfinishedMeasures

        return UnfinishedMeasures(self)

    @cached_property
    def totals(self) -> Totals:
        """What all tests together executed of file versions."""
        from copydesk.agent.desk.traces import Totals

        return Totals(self)

    @cached_property
    def traces(self) -> Traces:
        """What each test executed."""
        from copydesk.agent.desk.traces import Traces

        return Traces(self)

    def content_cache(self, kind: str, compute: Callable[[str], Any]) -> ContentCache:
        """A function whose results stay on the desk; see `ContentCache`."""
        from copydesk.agent.desk.content_cache import ContentCache

        return ContentCache(self, kind, compute)

    @cached_property
    def drafts(self) -> Drafts:
        """The drafts and the editor's decisions on them."""
        from copydesk.agent.desk.drafts import Drafts

        return Drafts(self)

    @cached_property
    def decision_queue(self) -> DecisionQueue:
        """The decisions that are on their way."""
        from copydesk.agent.desk.decision_queue import DecisionQueue

        return DecisionQueue(self)

    @cached_property
    def verifications(self) -> Verifications:
        """The test drafts that are being verified, and the runs that they have behind them."""
        from copydesk.agent.desk.drafts import Verifications

        return Verifications(self)

    @cached_property
    def sent_parts(self) -> SentParts:
        """The parts of stories that were sent, or are to be."""
        from copydesk.agent.desk.publishing import SentParts

        return SentParts(self)

    @cached_property
    def exported_files(self) -> ExportedFiles:
        """The files that were exported."""
        from copydesk.agent.desk.publishing import ExportedFiles

        return ExportedFiles(self)
