"""What compare_with_redis.py may send: the syntax of every command, one line each.

    WORD            stands for itself (an option or a subcommand)
    name            an argument; its values come from command_generator.py
    [ ... ]         may be left out
    ( a | b )       one of these; also inside [ ]
    ...             the argument or group before it, once or more
    @7.2            an option with this mark in its brackets, or a command with it at the end, is newer than that

A name is written `kind` or `kind:hint`, where the hint only tells the reader what it means. The first word of a line
is the command; `/set` after it names the type its keys should hold for the command to succeed, `/-` that the type
does not matter. Sorted by group, as in Redis's documentation.
"""

STRING = """
APPEND/string key value
DECR/string key
DECRBY/string key integer
GET/string key
GETDEL/string key
GETEX/string key [ EX seconds | PX ms | EXAT unix_s | PXAT unix_ms | PERSIST ]
GETRANGE/string key index:start index:end
GETSET/string key value
INCR/string key
INCRBY/string key integer
INCRBYFLOAT/string key float
LCS/string key key [ LEN ] [ IDX ] [ MINMATCHLEN count:length ] [ WITHMATCHLEN ]
MGET/- key ...
MSET/- ( key value ) ...
MSETNX/- ( key value ) ...
PSETEX/- key ms value
SET/string key value [ NX | XX ] [ GET ] [ EX seconds | PX ms | EXAT unix_s | PXAT unix_ms | KEEPTTL ]
SETEX/- key seconds value
SETNX/- key value
SETRANGE/string key offset value
STRLEN/string key
SUBSTR/string key index:start index:end
"""

LIST = """
LINDEX/list key index
LINSERT/list key ( BEFORE | AFTER ) element:pivot element
LLEN/list key
LMOVE/list key key ( LEFT | RIGHT ) ( LEFT | RIGHT )
LMPOP/list numkeys_and_keys ( LEFT | RIGHT ) [ COUNT count ]
LPOP/list key [ count ]
LPOS/list key element [ RANK rank ] [ COUNT count ] [ MAXLEN count ]
LPUSH/list key element ...
LPUSHX/list key element ...
LRANGE/list key index:start index:stop
LREM/list key rank:count element
LSET/list key index element
LTRIM/list key index:start index:stop
RPOP/list key [ count ]
RPOPLPUSH/list key key
RPUSH/list key element ...
RPUSHX/list key element ...
"""

SET = """
SADD/set key member ...
SCARD/set key
SDIFF/set key ...
SDIFFSTORE/set key:destination key ...
SINTER/set key ...
SINTERCARD/set numkeys_and_keys [ LIMIT count ]
SINTERSTORE/set key:destination key ...
SISMEMBER/set key member
SMEMBERS/set key
SMISMEMBER/set key member ...
SMOVE/set key key member
SPOP/set key [ count ]
SRANDMEMBER/set key [ random_count ]
SREM/set key member ...
SSCAN/set key cursor [ MATCH pattern ] [ COUNT scan_count ]
SUNION/set key ...
SUNIONSTORE/set key:destination key ...
"""

HASH = """
HDEL/hash key field ...
HEXISTS/hash key field
HEXPIRE/hash key seconds [ NX | XX | GT | LT ] FIELDS numfields_and_fields @7.4
HEXPIREAT/hash key unix_s [ NX | XX | GT | LT ] FIELDS numfields_and_fields @7.4
HEXPIRETIME/hash key FIELDS numfields_and_fields @7.4
HGET/hash key field
HGETALL/hash key
HINCRBY/hash key field integer
HINCRBYFLOAT/hash key field float
HKEYS/hash key
HLEN/hash key
HMGET/hash key field ...
HMSET/hash key ( field value ) ...
HPERSIST/hash key FIELDS numfields_and_fields @7.4
HPEXPIRE/hash key ms [ NX | XX | GT | LT ] FIELDS numfields_and_fields @7.4
HPEXPIREAT/hash key unix_ms [ NX | XX | GT | LT ] FIELDS numfields_and_fields @7.4
HPEXPIRETIME/hash key FIELDS numfields_and_fields @7.4
HPTTL/hash key FIELDS numfields_and_fields @7.4
HRANDFIELD/hash key [ random_count [ WITHVALUES ] ]
HSCAN/hash key cursor [ MATCH pattern ] [ COUNT scan_count ] [ NOVALUES @7.4 ]
HSET/hash key ( field value ) ...
HSETNX/hash key field value
HSTRLEN/hash key field
HTTL/hash key FIELDS numfields_and_fields @7.4
HVALS/hash key
"""

GENERIC = """
COPY/- key key [ DB db ] [ REPLACE ]
DEL/- key ...
EXISTS/- key ...
EXPIRE/- key seconds [ NX | XX | GT | LT ]
EXPIREAT/- key unix_s [ NX | XX | GT | LT ]
EXPIRETIME/- key
KEYS/- pattern
MOVE/- key db
OBJECT/- ENCODING key
OBJECT/- FREQ key
OBJECT/- IDLETIME key
OBJECT/- REFCOUNT key
PERSIST/- key
PEXPIRE/- key ms [ NX | XX | GT | LT ]
PEXPIREAT/- key unix_ms [ NX | XX | GT | LT ]
PEXPIRETIME/- key
PTTL/- key
RANDOMKEY/-
RENAME/- key key
RENAMENX/- key key
SCAN/- cursor [ MATCH pattern ] [ COUNT scan_count ] [ TYPE type ]
SORT/sortable key [ BY by ] [ LIMIT index index ] [ ( GET get ) ... ] [ ASC | DESC ] [ ALPHA ] [ STORE key ]
SORT_RO/sortable key [ BY by ] [ LIMIT index index ] [ ( GET get ) ... ] [ ASC | DESC ] [ ALPHA ]
TOUCH/- key ...
TTL/- key
TYPE/- key
UNLINK/- key ...
"""

CONNECTION = """
AUTH/- [ word:user ] word:password
CLIENT/- GETNAME
CLIENT/- ID
CLIENT/- INFO
CLIENT/- LIST [ TYPE ( NORMAL | MASTER | REPLICA | PUBSUB ) | ID client_id ]
CLIENT/- SETINFO ( LIB-NAME | LIB-VER ) word @7.2
CLIENT/- SETNAME word
ECHO/- value
HELLO/- [ protocol [ AUTH word word ] [ SETNAME word ] ]
PING/- [ value ]
QUIT/-
RESET/-
SELECT/- db
"""

SERVER = """
COMMAND/- COUNT
COMMAND/- GETKEYS command_line
COMMAND/- INFO command
CONFIG/- GET directive ...
CONFIG/- SET ( setting ) ...
DBSIZE/-
DEBUG/- DIGEST
DEBUG/- DIGEST-VALUE key ...
DEBUG/- OBJECT key
DEBUG/- SET-ACTIVE-EXPIRE flag
DEBUG/- SLEEP zero
FLUSHALL/- [ ASYNC | SYNC ]
FLUSHDB/- [ ASYNC | SYNC ]
INFO/- [ section ... ]
SWAPDB/- db db
TIME/-
"""

GROUPS = {
    "string": STRING,
    "list": LIST,
    "set": SET,
    "hash": HASH,
    "generic": GENERIC,
    "connection": CONNECTION,
    "server": SERVER,
}
