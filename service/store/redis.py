"""The store on Redis or Valkey: a class for each port, over one client."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ..verification.policy import Policy
from .clients import ClientStore
from .connect import Client
from .key_names import Names
from .keyring import Sealed
from .limits_view import LimitsViewStore
from .notes import NoteStore
from .readiness import Readiness, Writing
from .script import Scripts
from .trails import TrailStore
from .verifications import VerificationStore, constants_of


class RedisStore:
    """Implements `Store` on a client of redis-py; safe to share between threads."""

    def __init__(
        self,
        client: Client | Callable[[], Client],
        policy: Policy,
        *,
        prefix: str = "tp",
        messages_per_second: float = 0,
        replicas: int = 0,
    ) -> None:
        """Take a client and the numbers that the scripts work with.

        Args:
            client: Of redis-py, or what makes one when it is first needed.
            policy: The rules.
            prefix: Of all keys: another one is another installation.
            messages_per_second: Of the sender; 0 is without a rate.
            replicas: How many must have a check, or a keyring, before it is answered.
        """
        scripts = Scripts(client, constants_of(policy, messages_per_second))
        names = Names(prefix)
        self._readiness = Readiness(scripts, replicas=replicas)
        self._writing = Writing(scripts, names)
        self.verifications = VerificationStore(
            scripts, names, messages_per_second=messages_per_second, replicas=replicas
        )
        self.limits = LimitsViewStore(scripts, names)
        self.trails = TrailStore(scripts, names)
        self.notes = NoteStore(scripts, names)
        self.clients = ClientStore(scripts, names)
        self.keyring = Sealed(scripts, names.keyring, replicas=replicas)
        self.signing = Sealed(scripts, names.signing, replicas=replicas)

    def ready(self) -> list[str]:
        """See `Store`."""
        with ThreadPoolExecutor(1) as beside:  # at once, since a balancer waits for the answer
            asked = beside.submit(self._readiness.faults)
            return [*self._writing.faults(), *asked.result()]

    def memory_used(self) -> float:
        """See `Store`."""
        return self._readiness.memory_used
