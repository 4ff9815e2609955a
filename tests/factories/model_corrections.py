"""Extend the model with corrections that `adtech repair` has to carry out."""

from dataclasses import dataclass, field

from db.models.corrections import CorrectionStatus as Corrections
from services.platform import errors
from tests.factories.model_money import PROPOSAL_HOURS, MoneyModel
from tests.factories.model_rows import Refused


@dataclass
class Correction:
    """A correction of the balance of a person's wallet."""

    person: int
    proposer: int
    open_since: float
    """When the correction was proposed, or confirmed."""
    status: Corrections = Corrections.PROPOSED

    @property
    def is_open(self) -> bool:
        """Whether the correction is proposed or confirmed."""
        return self.status in {Corrections.PROPOSED, Corrections.CONFIRMED}


@dataclass
class CorrectionModel(MoneyModel):
    """The expected state of everything, with corrections."""

    corrections: dict[int, Correction] = field(default_factory=dict)

    def propose_correction(self, person: int, proposer: int) -> Correction:
        """Return the open correction of a person's wallet, or a new one."""
        for correction in self.corrections.values():
            if correction.person == person and correction.is_open:
                return correction
        return Correction(person, proposer, self.now)

    def confirm_correction(self, number: int, person: int) -> None:
        """Confirm a correction. Raises Refused if the person is the proposer."""
        correction = self.corrections[number]
        if person == correction.proposer:
            raise Refused(errors.SamePerson)
        if correction.status is Corrections.CONFIRMED:
            return
        if correction.status is Corrections.DROPPED:
            raise Refused(errors.InvalidMove)
        if self._is_old(correction):
            raise Refused(errors.ProposalEnded)
        correction.status, correction.open_since = Corrections.CONFIRMED, self.now

    def refuse_correction(self, number: int) -> None:
        """Refuse a correction that is proposed or confirmed."""
        self.corrections[number].status = Corrections.DROPPED

    def drop_ended_corrections(self) -> int:
        """Drop all open corrections that are too old, and return their number."""
        ended = [each for each in self.corrections.values() if each.is_open and self._is_old(each)]
        for correction in ended:
            correction.status = Corrections.DROPPED
        return len(ended)

    def _is_old(self, correction: Correction) -> bool:
        return correction.open_since + PROPOSAL_HOURS < self.now
