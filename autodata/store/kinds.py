"""All kinds of records that a journal can hold, by name."""

from autodata.store.episodes import (
    CallRecord,
    CommandRecord,
    EpisodeRecord,
    ExecutionRecord,
    QueryRecord,
)
from autodata.store.format import Record
from autodata.store.quality import CalibrationRecord, FindingRecord, GapRecord
from autodata.store.records import (
    BeliefsRecord,
    CandidateRecord,
    Certificate,
    ClosingRecord,
    DocumentsRecord,
    EditRecord,
    GrowthRecord,
    IterationRecord,
    LookRecord,
    PromotionRecord,
    RunRecord,
    SessionRecord,
    TroubleRecord,
)

# fmt: off
RECORDS: tuple[type[Record], ...] = (
    RunRecord, DocumentsRecord, SessionRecord, GrowthRecord, ClosingRecord, CandidateRecord,
    EpisodeRecord, FindingRecord, CallRecord, ExecutionRecord, QueryRecord, CommandRecord,
    IterationRecord, Certificate, PromotionRecord, TroubleRecord, CalibrationRecord, EditRecord,
    LookRecord, BeliefsRecord, GapRecord,
)
# fmt: on
KINDS = {record.KIND: record for record in RECORDS}
