"""DEBUG DIGEST and DIGEST-VALUE give what Redis 7.0.15 gave for the same commands."""

import pytest

from tests.support_concurrency import Talker, make_server

DIGESTS = [
    ([], "0000000000000000000000000000000000000000"),
    (["SET k v"], "264ccf65edec66bccfa7cc659414ccca432057d2"),
    (["SET n 12345"], "b5c1d2e75e149529637440c6cd7a1e5c770fb1a3"),
    (["APPEND r raw"], "a37dfd7593b1f6e02d4080842e416d9ae6aa7c62"),
    (["SET k v", "SELECT 1", "SET k v"], "794cf907ddc694cc1d15645a71582e3d0a57d2a0"),
    (["RPUSH l a b c"], "625aa282e03653452879ea5bf1ee7a453f83f55b"),
    (["RPUSH l c b a"], "0cc2210b432c4e33d0049efcc38dbcd7aeb807b9"),
    (["SADD s a b c"], "962701ae75fa060ef4093971aa5f47591b4473d7"),
    (["SADD s 1 2 3"], "5db52aea846889b51b38382f9a31b671754d2571"),
    (["HSET h f v g w"], "90400f735197c1bc4dfddf674dd10ac5935c084a"),
    (["SET t v EX 100000"], "5776412b4fddd411d82d35aa1897705a69d096bd"),
    (["RPUSH l x", "EXPIRE l 100000"], "308e169304ccfad527d984e2aa24591b0712e3cb"),
    (["SET a 1", "RPUSH l a", "SADD s x", "HSET h f v", "SET t v EX 100000", "SELECT 9", "SET a 1"],
     "30aa1f0a9fc02b5ddca9898da889ae012f3121b7"),
]  # fmt: skip


@pytest.mark.parametrize("commands, digest", DIGESTS, ids=lambda item: str(item)[:40])
def test_digest_of_a_dataset(commands, digest):
    talker = Talker(make_server())
    talker.batch([line.split() for line in commands])
    assert talker("DEBUG", "DIGEST").text == digest


@pytest.mark.parametrize("command, digest", [
    ("SET a 1", "b4fc66738120fba0b5aa500ab5c2bf89cea1c5da"),
    ("RPUSH a a b", "62f55a532623cf6c3d81081db480b6fd8461eb3f"),
    ("HSET a f v", "90c76e9e9f4c62d642a34fc97c7dad503b51f906"),
    ("SET a v EX 100000", "311b17018163335616e089f6b951c82c477335ac"),
    ("DEL a", "0000000000000000000000000000000000000000"),
])  # fmt: skip
def test_digest_of_a_value(command, digest):
    talker = Talker(make_server())
    talker(*command.split())
    assert [reply.text for reply in talker("DEBUG", "DIGEST-VALUE", "a", "none")] == [digest, "0" * 40]
