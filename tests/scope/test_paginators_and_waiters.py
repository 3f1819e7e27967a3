"""Paginators, waiters and resources: what asks more than once keeps the caller that it was made for."""

from __future__ import annotations

import pytest
from botocore.exceptions import WaiterError

from bedrock_auth.errors import MissingIdentityError
from scope.people import ANN, BEN, in_thread

AT_ONCE = {"Delay": 0, "MaxAttempts": 3}
OBJECTS = {f"/bucket/{name}": b"x" for name in "abc"}


@pytest.fixture
def tables(session, storage):
    return session.client("dynamodb")


def test_a_paginator_keeps_the_caller_of_its_block(scope, tables, storage):
    with scope.use(ANN):
        pages = iter(tables.get_paginator("list_tables").paginate())
        next(pages)
        with scope.use(BEN):
            next(pages)
            tables.list_tables()
        next(pages)
    assert storage.signers == ["ann", "ann", "ben", "ann"]


def test_a_paginator_that_crosses_into_another_block_signs_as_nobody(scope, tables, storage):
    with scope.use(ANN):
        pages = iter(tables.get_paginator("list_tables").paginate())
        next(pages)
    with scope.use(BEN), pytest.raises(MissingIdentityError, match="closed"):
        next(pages)
    assert storage.signers == ["ann"]


def test_a_paginator_that_is_only_read_in_another_block_signs_as_nobody(scope, tables, storage):
    with scope.use(ANN):
        paginator = tables.get_paginator("list_tables")
        pages = paginator.paginate()
    with scope.use(BEN):
        for unread in (pages, paginator.paginate(), pages.search("TableNames[]")):
            with pytest.raises(MissingIdentityError, match="closed"):
                next(iter(unread))
    assert storage.seen == []


def test_interleaved_paginators_keep_their_own_callers(scope, tables, storage):
    with scope.use(ANN):
        anns = iter(tables.get_paginator("list_tables").paginate())
        with scope.use(BEN):
            bens = iter(tables.get_paginator("list_tables").paginate())
            for _ in zip(anns, bens, strict=True):
                pass
    assert storage.signers == ["ann", "ben"] * 3


def test_a_paginator_can_be_read_in_another_thread_while_its_block_lasts(scope, tables, storage):
    with scope.use(ANN):
        pages = tables.get_paginator("list_tables").paginate()
        names = in_thread(lambda: [page["TableNames"][0] for page in pages])
    assert names == ["table-1", "table-2", "table-3"]
    assert storage.signers == ["ann"] * 3


def test_a_paginator_of_a_bound_client_signs_as_its_caller_in_any_block(scope, session, storage):
    with scope.bind(ANN) as ann:
        pages = iter(ann.client("dynamodb").get_paginator("list_tables").paginate())
        next(pages)
        with scope.use(BEN):
            next(pages)
    with pytest.raises(MissingIdentityError, match="closed"):
        next(pages)
    assert storage.signers == ["ann", "ann"]


@pytest.mark.parametrize(("kind", "name"), [("get_paginator", "list_tables"), ("get_waiter", "table_exists")])
def test_outside_of_every_block_there_is_no_paginator_and_no_waiter(tables, storage, kind, name):
    with pytest.raises(MissingIdentityError, match=r"scope\.use"):
        getattr(tables, kind)(name)


def test_an_unknown_paginator_is_refused_as_in_boto3(scope, tables):
    with scope.use(ANN):
        assert not tables.can_paginate("put_item")
        with pytest.raises(Exception, match="cannot be paginated"):
            tables.get_paginator("put_item")
        with pytest.raises(ValueError, match="Waiter does not exist"):
            tables.get_waiter("nothing")
        assert "table_exists" in tables.waiter_names


def test_a_waiter_keeps_the_caller_of_its_block(scope, tables, storage):
    with scope.use(ANN):
        waiter = tables.get_waiter("table_exists")
        with scope.use(BEN):
            waiter.wait(TableName="table-1", WaiterConfig=AT_ONCE)
    assert [seen.action for seen in storage.seen] == ["DescribeTable"] * 2
    assert storage.signers == ["ann"] * 2


def test_a_waiter_that_crosses_into_another_block_signs_as_nobody(scope, tables, storage):
    with scope.use(ANN):
        waiter = tables.get_waiter("table_exists")
    with scope.use(BEN), pytest.raises(MissingIdentityError, match="closed"):
        waiter.wait(TableName="table-1", WaiterConfig=AT_ONCE)
    assert storage.seen == []


def test_a_waiter_whose_block_is_left_while_it_waits_stops(scope, tables, storage):
    with scope.bind(ANN) as ann:
        waiter = ann.client("dynamodb").get_waiter("table_exists")
        storage.statuses = Closing(ann)
        with pytest.raises(MissingIdentityError, match="closed"):
            in_thread(lambda: waiter.wait(TableName="table-1", WaiterConfig=AT_ONCE))
    assert storage.signers == ["ann"]


class Closing(list):
    """Statuses of a table that closes the caller when it is looked at."""

    def __init__(self, caller) -> None:
        super().__init__(["CREATING"])
        self.caller = caller

    def __getitem__(self, index):
        self.caller.close()
        return super().__getitem__(index)


def test_a_waiter_of_a_bound_client_signs_as_its_caller(scope, session, storage):
    storage.statuses = ["CREATING"]
    with scope.bind(ANN) as ann, scope.use(BEN), pytest.raises(WaiterError):
        ann.client("dynamodb").get_waiter("table_exists").wait(TableName="table-1", WaiterConfig=AT_ONCE)
    assert storage.signers == ["ann"] * 3


# ---------------------------------------------------------------- boto3's resources


def test_a_resource_signs_as_the_block_at_hand(scope, session, storage):
    storage.objects.update(OBJECTS)
    bucket = session.resource("s3").Bucket("bucket")
    with scope.use(ANN):
        bucket.Object("a").get()
    with scope.use(BEN):
        bucket.Object("a").load()
    with pytest.raises(MissingIdentityError):
        bucket.Object("a").get()
    assert storage.signers == ["ann", "ben"]


def test_a_collection_keeps_the_caller_in_whose_block_its_reading_began(scope, session, storage):
    storage.objects.update(OBJECTS)
    bucket = session.resource("s3").Bucket("bucket")
    with scope.use(ANN):
        objects = iter(bucket.objects.all())
        next(objects)
        with scope.use(BEN):
            next(objects)
            assert [one.key for one in bucket.objects.all()] == ["a", "b", "c"]
    with scope.use(BEN), pytest.raises(MissingIdentityError, match="closed"):
        next(objects)
    assert storage.signers == ["ann", "ann", "ben", "ben", "ben"]


def test_a_collection_that_is_first_read_in_another_block_is_that_blocks(scope, session, storage):
    storage.objects.update(OBJECTS)
    bucket = session.resource("s3").Bucket("bucket")
    with scope.use(ANN):
        objects = bucket.objects.all()
    with scope.use(BEN):
        next(iter(objects))
    with pytest.raises(MissingIdentityError):
        next(iter(objects))
    assert storage.signers == ["ben"]


def test_a_resources_waiter_belongs_to_its_block(scope, session, storage):
    table = session.resource("dynamodb").Table("table-1")
    storage.statuses = ["ACTIVE"]
    with scope.use(ANN):
        table.wait_until_exists()
    with pytest.raises(MissingIdentityError):
        table.wait_until_exists()
    assert set(storage.signers) == {"ann"}


def test_what_a_resource_remembers_is_what_it_was_told_not_who_asked(scope, session, storage):
    """A resource object keeps the answer of its first call: make one for each caller, as for threads."""
    storage.objects.update(OBJECTS)
    resource = session.resource("s3")
    with scope.use(ANN):
        assert resource.Object("bucket", "a").content_length == 1
    with scope.use(BEN):
        assert resource.Object("bucket", "a").content_length == 1
    assert storage.signers == ["ann", "ben"]
