"""The control door's view of Lux Financial: customers, transfers, and a hand on each."""

import json

from werkzeug.wrappers import Request

from sandbox.lux import customers, history, imagine, sanctions, transfers
from sandbox.lux.api import Lux
from sandbox.lux.config import ENDLESS, FORMS
from sandbox.plans import follow
from sandbox.web import Json


class LuxDesk:
    def __init__(self, lux: Lux) -> None:
        self._lux = lux

    # Customers

    def customers(self, request: Request, body: Json) -> Json:
        """Every customer, oldest first; ``?kyc_status=`` and ``?source=`` narrow it."""
        found = self.people(args=request.args.to_dict())
        return {"total": len(found), "customers": found}

    def people(self, *, args: dict[str, str] | None = None, limit: int = -1) -> list[Json]:
        """What is stored; with a `limit` the newest, newest first."""
        given = {n: v for n, v in (args or {}).items() if n in ("kyc_status", "status", "source")}
        where = "".join(f" AND {name} = ?" for name in given)
        order = "DESC" if limit > 0 else "ASC"
        with self._lux.store.transaction() as db:
            work = self._lux.work(db)
            rows = db.execute(
                f"SELECT * FROM lf_customer WHERE 1{where} ORDER BY serial {order} LIMIT ?",
                [*given.values(), limit],
            ).fetchall()
            return [
                customers.shape(row)
                | {"source": row["source"], "next": sorted(customers.may_become(work, row))}
                for row in rows
            ]

    def arrive(self, request: Request, body: Json) -> Json:
        """``{"count": 3, …}``: customers as traffic makes them, with these members written over;
        ``{"kyc_status": …}`` brings them there."""
        changes = {n: v for n, v in body.items() if n not in ("count", "kyc_status")}
        made = []
        with self._lux.store.transaction() as db:
            work = self._lux.work(db)
            for _ in range(int(body.get("count", 1))):
                given = imagine.customer(work.dice, history.next_number(work)) | changes
                made.append(customers.create(work, given, source="control"))
                if "kyc_status" in body:
                    status = str(body["kyc_status"])
                    customers.move_kyc(work, made[-1], status, force=True)
            shown = [customers.get(work, customer_id) for customer_id in made]
        self._lux.wake.set()
        return {"customers": shown}

    def act(self, request: Request, body: Json, identity: str, deed: str, value: str) -> Json:
        """`kyc` or `status` to a value; ``{"force": true}`` against the rules, ``{"reasons": […]}``
        of a rejection."""
        force = bool(body.get("force"))
        with self._lux.store.transaction() as db:
            work = self._lux.work(db)
            if deed == "kyc":
                reasons = body.get("reasons")
                customers.move_kyc(work, identity, value, reasons=reasons, force=force)
                follow(work, customers.TABLE, identity, [])
            else:
                customers.move(work, identity, value, force=force)
            shown = customers.get(work, identity)
        self._lux.wake.set()
        return shown

    def change(self, request: Request, body: Json, identity: str) -> Json:
        """Write over members of a customer; nobody is told."""
        with self._lux.store.transaction() as db:
            work = self._lux.work(db)
            customers.set_facts(work, identity, **body)
            return customers.get(work, identity)

    # Transfers

    def transfers(self, request: Request, body: Json) -> Json:
        """Every transfer, oldest first."""
        found = self.ledger()
        return {"total": len(found), "transfers": found}

    def ledger(self, *, limit: int = -1) -> list[Json]:
        order = "DESC" if limit > 0 else "ASC"
        with self._lux.store.transaction() as db:
            rows = db.execute(
                f"SELECT * FROM lf_transfer ORDER BY created_at {order}, serial {order} LIMIT ?",
                (limit,),
            ).fetchall()
        return [
            transfers.shape(row)
            | {"from": row["source"], "next": sorted(transfers.may_become(row))}
            for row in rows
        ]

    def move(self, request: Request, body: Json, identity: str, state: str) -> Json:
        """To this state; ``{"force": true}`` against the rules. What was planned is dropped."""
        with self._lux.store.transaction() as db:
            work = self._lux.work(db)
            transfers.move(work, identity, state, force=bool(body.get("force")))
            follow(work, transfers.TABLE, identity, [])
            shown = transfers.get(work, identity)
        self._lux.wake.set()
        return shown

    # Sanctions lists

    def list_name(self, request: Request, body: Json) -> Json:
        """``{"name": …, "date_of_birth": …, "source": "SDN", …}``: put on a list, or changed."""
        if not body.get("name"):
            raise ValueError("name whom to list")
        with self._lux.store.transaction() as db:
            sanctions.add_listed(self._lux.work(db), body)
        return {"listed": body["name"]}

    def strike_name(self, request: Request, body: Json, name: str) -> Json:
        with self._lux.store.transaction() as db:
            return {"struck": sanctions.strike_listed(self._lux.work(db), name)}

    # Events, keys, manners

    def events(self, request: Request, body: Json) -> Json:
        """Every delivery with its event, oldest first."""
        with self._lux.store.transaction() as db:
            rows = db.execute(
                "SELECT d.*, e.body FROM lf_delivery d JOIN lf_event e ON e.id = d.event_id"
                " ORDER BY d.serial"
            ).fetchall()
        names = ("event_id", "name", "url", "status", "attempts", "response_code", "error")
        found = [
            {name: row[name] for name in names} | {"body": json.loads(row["body"])} for row in rows
        ]
        return {"total": len(found), "events": found}

    def refuse_key(self, request: Request, body: Json) -> Json:
        """``{"key": …, "code": "expired" | "revoked"}``; without a code it is good again."""
        self._lux.refused_keys.pop(str(body["key"]), None)
        if body.get("code"):
            self._lux.refused_keys[str(body["key"])] = str(body["code"])
        return {"refused": len(self._lux.refused_keys)}

    def manners(self, request: Request, body: Json) -> Json:
        """``{"form": of events, "flat_errors": true, "endless": a kind of list without end}``."""
        manners = self._lux.manners
        form, endless = body.get("form", manners.form), body.get("endless", manners.endless)
        if form not in FORMS or endless not in ENDLESS:
            raise ValueError(f"form is one of {FORMS}, endless one of {ENDLESS}")
        manners.form, manners.endless = form, endless
        manners.flat_errors = bool(body.get("flat_errors", manners.flat_errors))
        return {"form": form, "endless": endless, "flat_errors": manners.flat_errors}
