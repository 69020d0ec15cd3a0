"""Faults in what becomes of a CMDB that gives no answer, and in what is said about it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

from craton.cmdb import End
from craton.errors import BackendFault, Unavailable
from tests.mutants.adapters.reference import ReferenceAdapter
from tests.mutants.adapters.registry import fault
from tests.mutants.adapters.store import Row, VendorError


@fault("The vendor's own error escapes.", "ADAPTER-10")
class VendorErrorEscapes(ReferenceAdapter):
    def ask(self, question: str, **details: Any) -> Any:
        status, text = self.call(question, **details)
        return self.read(text) if status == 200 else super().ask(question, **details)


@fault("An error does not say when to try again.", "ADAPTER-10", "ADAPTER-11")
class NoTimeToTryAgain(ReferenceAdapter):
    retry_after = 0


@fault("A silent CMDB is waited for, for ever.", "ADAPTER-10")
class WaitsForEver(ReferenceAdapter):
    patience = None


@fault("Refused credentials are a fault of the CMDB.", "ADAPTER-10")
class DeniedIsAFault(ReferenceAdapter):
    def refused(self, status: int) -> Exception:
        return BackendFault("denied") if status == 403 else super().refused(status)


@fault("A page to sign in is taken for an empty CMDB.", "ADAPTER-10")
class NonsenseIsEmpty(ReferenceAdapter):
    def read(self, text: str) -> Any:
        return {"serial": 0, "oldest": 0} if text.startswith("<") else super().read(text)

    def ask(self, question: str, **details: Any) -> Any:
        answer = super().ask(question, **details)
        return [] if question != "state" and isinstance(answer, dict) else answer


@fault("A CMDB that fails in mid-stream ends the stream as if it were whole.", "ADAPTER-10")
class FailureEndsTheStream(ReferenceAdapter):
    def rows(self) -> Iterator[Row]:
        try:
            yield from super().rows()
        except Unavailable:
            return


@fault("After an outage the adapter stays away.", "ADAPTER-10")
class NeverBack(ReferenceAdapter):
    lost = False

    def call(self, question: str, **details: Any) -> tuple[int, str]:
        self.lost = self.lost or self.store.trouble is not None
        if self.lost:
            raise VendorError("gone")
        return super().call(question, **details)


@fault("An answer that is cut off is taken for a whole one.", "ADAPTER-11")
class CutIsWhole(ReferenceAdapter):
    def read(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            if text.startswith("<"):
                raise Unavailable("the CMDB sent no answer") from None
            return [] if text.startswith("[") else {"serial": 0, "oldest": 0}


@fault("An error repeats what the vendor's library said.", "ADAPTER-13")
class VendorsWordsRepeated(ReferenceAdapter):
    def ask(self, question: str, **details: Any) -> Any:
        try:
            self.call(question, **details)
        except VendorError as error:
            raise Unavailable(str(error)) from None
        return super().ask(question, **details)


@fault("The cause of an error tells the secret.", "ADAPTER-13")
class SecretInTheCause(ReferenceAdapter):
    def ask(self, question: str, **details: Any) -> Any:
        try:
            self.call(question, **details)
        except VendorError as error:
            raise Unavailable("the CMDB does not answer") from error
        return super().ask(question, **details)


@fault("Questions are logged with the secret.", "ADAPTER-13")
class SecretLogged(ReferenceAdapter):
    def call(self, question: str, **details: Any) -> tuple[int, str]:
        logging.getLogger(__name__).debug("%s as %s", question, self.settings.reference.secret)
        return super().call(question, **details)


@fault("A token holds the secret.", "ADAPTER-13")
class SecretInTheToken(ReferenceAdapter):
    def end(self, state: Row, begin: int | None) -> End:
        return End(token=self.settings.reference.secret, everything=True)
