"""/error-injection: the admin's routes, thin; the work is the store's."""

import hmac
from collections.abc import Callable, Collection
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, post, put, route
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter
from litestar.types import Guard

from error_injection.documents import rule_operation
from error_injection.rule import Rule, RuleBody, check, check_types
from error_injection.store import MAX_ID, RuleStore

RuleId = Annotated[int, PathParameter(ge=1, le=MAX_ID, schema_extra={"maximum": MAX_ID})]
Documented = Callable[..., dict[int, ResponseSpec]]
AnyRequest = Request[Any, Any, Any]


def error_injection_routes(
    store: RuleStore,
    *,
    admin_token: str | None,
    documented: Documented,
    topics: Collection[str] = (),
) -> Router:
    """The routes over a service's rules.

    With ``admin_token`` they ask for it as ``Authorization: Bearer …`` (401). ``documented``
    gives Litestar's ``responses=`` for the statuses of problems; ``topics`` are those that a rule
    of this service may name.
    """

    @get(
        operation_id="list_error_injection_rules",
        summary="All rules, by id",
        responses=documented(401),
    )
    async def list_rules() -> list[Rule]:
        return await store.all()

    @get(
        "/{rule_id:int}",
        operation_id="get_error_injection_rule",
        summary="One rule",
        responses=documented(401, 404),
    )
    async def get_rule(rule_id: RuleId) -> Rule:
        return _found(await store.get(rule_id))

    @post(
        operation_id="create_error_injection_rule",
        summary="A new rule, in effect within a second",
        operation_class=rule_operation(topics),
        responses=documented(401, 409),
    )
    async def create_rule(data: JSONBody[RuleBody], request: AnyRequest) -> Rule:
        check_types(await request.json())
        check(data, topics)
        return await store.add(data)

    @put(
        "/{rule_id:int}",
        operation_id="replace_error_injection_rule",
        summary="A rule with other fields; what is not given has its default",
        operation_class=rule_operation(topics),
        responses=documented(401, 404, 409),
    )
    async def replace_rule(rule_id: RuleId, data: JSONBody[RuleBody], request: AnyRequest) -> Rule:
        check_types(await request.json())
        check(data, topics)
        return _found(await store.replace(rule_id, data))

    @delete(
        "/{rule_id:int}",
        operation_id="delete_error_injection_rule",
        summary="No rule any more",
        responses=documented(401, 404),
    )
    async def delete_rule(rule_id: RuleId) -> None:
        if not await store.remove(rule_id):
            _found(None)

    # Litestar's own answers to OPTIONS name the one method that it registered first. It registers
    # by name, so these have to come first in the alphabet as well.
    @route("/", http_method="OPTIONS", include_in_schema=False, sync_to_thread=False)
    def allowed_methods() -> Response[None]:
        return _allowing("GET, OPTIONS, POST")

    @route("/{rule_id:int}", http_method="OPTIONS", include_in_schema=False, sync_to_thread=False)
    def allowed_methods_of_one() -> Response[None]:
        return _allowing("DELETE, GET, OPTIONS, PUT")

    return Router(
        "/error-injection",
        route_handlers=[
            *(allowed_methods, allowed_methods_of_one),
            *(list_rules, get_rule, create_rule, replace_rule, delete_rule),
        ],
        guards=[_guard(admin_token)] if admin_token else [],
        tags=["error injection"],
    )


def _allowing(methods: str) -> Response[None]:
    return Response(None, status_code=204, headers={"Allow": methods})


def _found(rule: Rule | None) -> Rule:
    if rule is None:
        raise NotFoundException("There is no such rule.")
    return rule


def _guard(token: str) -> Guard:
    expected = token.encode()

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        scheme, given = connection.headers.get("authorization", "").partition(" ")[::2]
        # Both always compared, and in constant time: an answer's duration tells nothing.
        matches = hmac.compare_digest(given.strip().encode(), expected)
        if scheme.lower() != "bearer" or not matches:
            raise NotAuthorizedException(
                "These routes need the admin token.", headers={"WWW-Authenticate": "Bearer"}
            )

    return guard
