"""redis-py, the client that most Python programs use, over both protocols."""

import asyncio
import threading

import pytest

from mini_redis import Server

redis = pytest.importorskip("redis", reason="redis-py is not installed")


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request):
    return request.param


@pytest.fixture
def connect(server, protocol):
    """Opens clients that are closed after the test."""
    opened = []

    def open_one(**options):
        opened.append(redis.Redis(port=server.port, protocol=protocol, **options))
        return opened[-1]

    yield open_one
    for client in opened:
        client.close()


@pytest.fixture
def client(connect):
    return connect(decode_responses=True)


def test_strings(client):
    assert client.set("k", "v") is True
    assert client.get("k") == "v" and client.get("none") is None
    assert client.set("k", "w", nx=True) is None
    assert client.set("k", "w", xx=True, get=True, ex=100) == "v"
    assert 0 < client.ttl("k") <= 100
    assert client.getex("k", persist=True) == "w" and client.ttl("k") == -1
    assert client.incr("n", 5) == 5 and client.decr("n") == 4 and client.incrbyfloat("f", 1.5) == 1.5
    assert client.append("k", "123") == 4 and client.strlen("k") == 4 and client.getrange("k", 1, 2) == "12"
    assert client.mset({"a": 1, "b": 2}) is True and client.mget("a", "none", "b") == ["1", None, "2"]
    assert client.msetnx({"a": 1, "z": 2}) is False
    assert client.execute_command("SETEX", "e", 10, "v") is True and client.psetex("e", 10_000, "v") is True
    assert client.getdel("e") == "v" and client.setrange("k", 2, "x") == 4
    assert client.lcs("a", "b") == ""


def test_lists(client):
    assert client.rpush("l", "a", "b", "c") == 3 and client.lpush("l", "z") == 4
    assert client.lrange("l", 0, -1) == ["z", "a", "b", "c"]
    assert client.lpop("l") == "z" and client.rpop("l", 2) == ["c", "b"] and client.lpop("none") is None
    assert client.linsert("l", "before", "a", "0") == 2 and client.lindex("l", 0) == "0"
    assert client.lset("l", 0, "1") is True and client.lrem("l", 1, "1") == 1 and client.llen("l") == 1
    assert client.ltrim("l", 0, 0) is True and client.lpos("l", "a") == 0
    assert client.lmove("l", "m", "LEFT", "RIGHT") == "a" and client.exists("l") == 0
    assert client.lmpop(2, "l", "m", direction="LEFT", count=5) == ["m", ["a"]]
    assert client.lmpop(1, "none", direction="LEFT") is None


def test_sets(client, protocol):
    assert client.sadd("s", "a", "b", "c") == 3 and client.sadd("t", "b", "c", "d") == 3
    assert set(client.smembers("s")) == {"a", "b", "c"}
    assert set(client.sinter("s", "t")) == {"b", "c"} and set(client.sunion("s", "t")) == {"a", "b", "c", "d"}
    assert set(client.sdiff("s", "t")) == {"a"} and client.sinterstore("u", "s", "t") == 2
    assert client.sismember("s", "a") and client.smismember("s", ["a", "z"]) == [1, 0]
    assert client.smove("s", "t", "a") and client.scard("s") == 2 and client.srem("s", "b") == 1
    assert client.spop("s") == "c" and client.exists("s") == 0
    assert client.sintercard(2, ["t", "u"]) == 2 and client.srandmember("t") in {"a", "b", "c", "d"}
    assert sorted(client.sscan_iter("t")) == ["a", "b", "c", "d"]


def test_hashes(client):
    assert client.hset("h", mapping={"a": 1, "b": 2}) == 2
    assert client.hgetall("h") == {"a": "1", "b": "2"} and client.hgetall("none") == {}
    assert client.hget("h", "a") == "1" and client.hmget("h", "a", "z") == ["1", None]
    assert client.hincrby("h", "a", 4) == 5 and client.hincrbyfloat("h", "f", 0.5) == 0.5
    assert client.hsetnx("h", "a", 1) in (0, False) and client.hlen("h") == 3 and client.hexists("h", "b")
    assert sorted(client.hkeys("h")) == ["a", "b", "f"] and sorted(client.hvals("h")) == ["0.5", "2", "5"]
    assert client.hstrlen("h", "f") == 3 and client.hdel("h", "f", "z") == 1
    assert dict(client.hscan_iter("h")) == {"a": "5", "b": "2"}
    assert client.hrandfield("h", 2, withvalues=True) is not None
    assert client.hexpire("h", 100, "a", "z") == [1, -2] and 0 < client.httl("h", "a")[0] <= 100
    assert client.hpersist("h", "a") == [1]


def test_generic(client, connect):
    client.mset({f"key:{number}": number for number in range(300)})
    assert sorted(client.scan_iter(count=50)) == sorted(f"key:{number}" for number in range(300))
    assert sorted(client.scan_iter("key:29*")) == sorted(["key:29", *(f"key:29{digit}" for digit in range(10))])
    assert list(client.scan_iter(_type="hash")) == []
    assert client.dbsize() == 300 and len(client.keys("key:1?")) == 10
    assert client.type("key:1") == "string" and client.object("encoding", "key:1") == "int"
    assert client.expire("key:1", 100) and 0 < client.pttl("key:1") <= 100_000 and client.persist("key:1")
    assert client.rename("key:1", "one") is True and client.copy("one", "uno") and client.touch("one", "uno") == 2
    assert client.delete("one", "none") == 1 and client.unlink("uno") == 1
    assert client.randomkey().startswith("key:")
    client.rpush("numbers", 3, 1, 2)
    assert client.sort("numbers") == ["1", "2", "3"] and client.sort("numbers", desc=True, store="sorted") == 3
    assert client.move("sorted", 1) and connect(db=1, decode_responses=True).llen("sorted") == 3
    with pytest.raises(redis.ResponseError, match="WRONGTYPE|wrong kind"):
        client.incr("numbers")
    with pytest.raises(redis.ResponseError, match="no such key"):
        client.rename("none", "x")
    assert client.flushdb() is True and client.dbsize() == 0


def test_bytes_stay_bytes(connect):
    client = connect()
    value = bytes(range(256)) * 300
    assert client.set(b"\x00k\r\n", value) and client.get(b"\x00k\r\n") == value
    assert client.keys() == [b"\x00k\r\n"]


def test_pipelines(client):
    with client.pipeline(transaction=False) as pipeline:
        for number in range(1000):
            pipeline.incr("n").rpush("l", number)
        replies = pipeline.execute()
    assert replies[-2:] == [1000, 1000]
    with client.pipeline(transaction=False) as pipeline:
        replies = pipeline.set("k", "v").lpush("k", "x").get("k").execute(raise_on_error=False)
    assert replies[0] is True and isinstance(replies[1], redis.ResponseError) and replies[2] == "v"


def test_the_connection(client, connect, server):
    named = connect(client_name="worker-1", decode_responses=True, db=3)
    assert named.ping() and named.echo("x") == "x" and named.client_getname() == "worker-1"
    info = named.client_info()
    assert (info["name"], int(info["db"])) == ("worker-1", 3) and info["lib-name"].startswith("redis-py")
    assert named.client_setname("other") and named.client_getname() == "other"
    assert {row["name"] for row in client.client_list()} >= {"other"}
    assert named.client_id() > 0
    assert client.info()["redis_version"].startswith("7.4.") and client.info("server")["tcp_port"] == server.port
    assert client.config_get("maxclients") == {"maxclients": "10000"}
    assert client.config_set("maxclients", 500) is True and client.config_get("max*")["maxclients"] == "500"
    assert client.time()[0] > 1_700_000_000 and client.role()[0] in ("master", b"master")
    assert client.command_count() == len(client.command())
    assert client.command_getkeys("MSET", "a", 1, "b", 2) == ["a", "b"]


def test_a_subcommand_that_nobody_knows_does_no_harm(client):
    """Clients try such things in their handshake, and go on when they get an error."""
    with client.pipeline(transaction=False) as pipeline:
        pipeline.execute_command("CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "internal-ip")
        refused, ping = pipeline.ping().execute(raise_on_error=False)
    assert isinstance(refused, redis.ResponseError)
    assert str(refused) == "unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP."
    assert ping is True


def test_a_password(protocol):
    with Server(port=0, requirepass="secret") as server:
        at_once = redis.retry.Retry(redis.backoff.NoBackoff(), 0)  # else a refusal is tried again for seconds
        options = {"port": server.port, "protocol": protocol, "retry": at_once}
        with redis.Redis(password="secret", **options) as client:
            assert client.ping()
        with redis.Redis(username="default", password="secret", client_name="me", **options) as client:
            assert client.client_getname() in ("me", b"me")
        for wrong in ({"password": "wrong"}, {"username": "nobody", "password": "secret"}, {}):
            with redis.Redis(**wrong, **options) as client, pytest.raises(redis.AuthenticationError):
                client.ping()


def test_threads_that_share_a_pool(client):
    def work():
        for _ in range(200):
            client.incr("n")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("n") == "1600"


def test_asyncio(server, protocol):
    async def talk():
        client = redis.asyncio.Redis(port=server.port, protocol=protocol, decode_responses=True)
        await asyncio.gather(*(client.incr("n") for _ in range(100)))
        found = await client.get("n"), [key async for key in client.scan_iter()]
        await client.aclose()
        return found

    assert asyncio.run(talk()) == ("100", ["n"])
