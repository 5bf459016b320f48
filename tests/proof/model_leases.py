"""Leases in the model of trade (see model.py)."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.proof.model import DEMAND, DONE, Refused
from tests.proof.model_aftersale import AfterSaleModel

LEASE = 86_400


@dataclass
class ModelLease:
    """A lease; `sales` by reference: quantity, of those that were accepted."""

    offer: str
    remaining: int
    ends_at: float
    status: str = "active"
    sales: dict[str, int] = field(default_factory=dict)


@dataclass
class LeasingModel(AfterSaleModel):
    """Trade with leases."""

    leases: dict[str, ModelLease] = field(default_factory=dict)

    def sweep(self) -> None:
        """Ends all that is due."""
        super().sweep()
        for lease in self.leases.values():
            self._lease_now(lease)

    def lease(self, key: str, offer: str, quantity: int) -> None:
        """Set aside for the channel."""
        if offer == DEMAND:
            raise Refused("allotment_not_allowed")
        self.make_room(offer, quantity)
        self.stocks[offer].take(quantity, "allotted")
        self.leases[key] = ModelLease(offer, quantity, self.now + LEASE)

    def report(self, key: str, sales: list[tuple[str, int]], results: list[str]) -> None:
        """Each from the lease while that has enough, else from the stock, else refused; once for each reference."""
        lease = self.leases[key]
        self._lease_now(lease)
        for reference, quantity in sales:
            results.append(self._sale(lease, reference, quantity))

    def give_back(self, key: str, quantity: int) -> None:
        """Some of what remains."""
        lease = self.leases[key]
        self._lease_now(lease)
        if quantity > lease.remaining:
            raise Refused("exceeds_allotment")
        self._return(lease, quantity)

    def recall(self, key: str, grace: int) -> None:
        """Moves the end nearer."""
        lease = self.leases[key]
        self._lease_now(lease)
        if lease.remaining:
            lease.status, lease.ends_at = "recalled", min(lease.ends_at, self.now + grace)
        self._lease_now(lease)

    def _sale(self, lease: ModelLease, reference: str, quantity: int) -> str:
        if reference in lease.sales:
            return DONE if lease.sales[reference] == quantity else "reference_in_use"
        stock = self.stocks[lease.offer]
        if quantity <= lease.remaining:
            lease.remaining -= quantity
            stock.allotted -= quantity
            stock.sold += quantity
            lease.status = lease.status if lease.remaining else "ended"
        else:
            self.make_room(lease.offer, quantity)
            if stock.kind != "unlimited" and stock.available < quantity:
                return "allotment_exhausted"
            stock.take(quantity, "sold")
        lease.sales[reference] = quantity
        return DONE

    def _lease_now(self, lease: ModelLease) -> None:
        if lease.ends_at <= self.now:
            self._return(lease, lease.remaining)

    def _return(self, lease: ModelLease, quantity: int) -> None:
        self.stocks[lease.offer].allotted -= quantity
        self.stocks[lease.offer].available += quantity
        lease.remaining -= quantity
        lease.status = lease.status if lease.remaining else "ended"
