"""Records what the real oslo.config makes of small files: cases.json, which the tests compare outlast with.

Run by generate.sh, in an environment that has oslo.config 10.7.0. No test needs it.

A case has `files`, the texts of the files in the order in which a service reads them, and either `error` (file, line and
message, where parsing fails) or `values`: for each option whose value is not the default that value, `null` if it is None,
or `{"error": kind}` if reading it fails.
"""

import json
import os
import random
import re
import sys
import tempfile

from oslo_config import cfg

OPTIONS = {
    "DEFAULT": [
        cfg.IntOpt("retries", default=60, min=0),
        cfg.MultiStrOpt("driver"),
        cfg.DictOpt("stores"),
        cfg.StrOpt("level", default="low", choices=["low", "high"]),
    ],
    "token": [
        cfg.IntOpt("expiration", default=3600, min=0, max=sys.maxsize),
        cfg.IntOpt("cache_time"),
        cfg.StrOpt("provider", default="fernet"),
        cfg.BoolOpt("caching", default=True),
    ],
    "auth": [
        cfg.ListOpt("roles", default=["service"]),
        cfg.ListOpt(
            "servers",
            deprecated_name="old_servers",
            deprecated_opts=[cfg.DeprecatedOpt("servers", group="DEFAULT")],
        ),
    ],
}

WRITTEN = [
    ["[token]\nexpiration = 7200\n"],
    ["[token]\nexpiration: 7200\n"],
    ["[token]\r\nexpiration = 7200\r\n\r\n"],
    ["[token]\rexpiration = 7200\rcache_time = 5\r"],
    ["[token]\nexpiration = '7200'\nprovider = \"fer'net\"\n"],
    ["[token]\nprovider = \"\n"],
    ["[token]\nprovider = ''fernet''\n"],
    ["[token]\nexpiration = 7200 # two hours\n"],
    ["[token]\nexpiration =\ncache_time =\nprovider =\n"],
    ["[token]\nexpiration = 3_600\ncache_time = +7\n"],
    ["[token]\nexpiration = 3600.0\n"],
    ["[token]\nexpiration = 1h\n"],
    ["[token]\nexpiration = None\n"],
    ["[token]\nexpiration = -1\ncache_time = -1\n"],
    ["[token]\nexpiration = 99999999999999999999\n"],
    ["[token]\nexpiration = 0x10\n"],
    ["[token]\nexpiration = 7200\nexpiration = 3600\n"],
    ["[Token]\nexpiration = 7200\n[TOKEN]\ncache_time = 5\n[token]\nprovider = jws\n"],
    ["[ token ]\nexpiration = 7200\n"],
    ["[default]\nretries = 5\n"],
    ["[Default]\nretries = 5\n[DEFAULT]\nretries = 6\n"],
    ["[DEFAULT]\nexpiration = 7200\n"],
    ["[token]\nExpiration = 7200\nEXPIRATION = 7\n"],
    ["[token]\ncache-time = 7200\n"],
    ["[token]\nexpiration\n"],
    ["[token]\n= 5\n"],
    ["[token]\n  expiration = 5\n"],
    ["[token]\n# c\n  expiration = 5\n"],
    ["[token]\nexpiration = 5\n\n  6\n"],
    ["[token]\nexpiration = 5\n  # six\n"],
    ["[token]\nprovider = a\n  b\n\tc = d\n  [e]\ncaching = no\n"],
    ["[token\nexpiration = 5\n"],
    ["[token] # c\nexpiration = 5\n"],
    ["[]\nexpiration = 5\n"],
    ["expiration = 5\n[token]\n"],
    ["expiration = 5\n"],
    ["\ufeff[token]\nexpiration = 5\n"],
    ["; c\n#c\n[token]\n;expiration = 5\n"],
    ["[token]\n\u00a0expiration\u00a0= 5\u3000\n"],
    ["[token]\nexpiration = 5\x1c\n"],
    ["[token]\nexpiration=5=6\nprovider=a:b=c\n"],
    ["[token]\nprovider=a=b:c\n"],
    ["[token]\ncaching = YES\n"],
    ["[token]\ncaching = off\n"],
    ["[token]\ncaching = y\n"],
    ["[token]\ncaching = enabled\n"],
    ["[token]\ncaching =\n"],
    ["[token]\ncaching = 0\n"],
    ["[auth]\nroles = a, b ,c,\n"],
    ["[auth]\nroles =\n"],
    ["[auth]\nroles = ,\n"],
    ["[auth]\nroles = a,,b\n"],
    ["[auth]\nroles = [a,b]\n"],
    ["[auth]\nroles = a,\n  b,\n  c\n"],
    ["[auth]\nold_servers = a:1\n"],
    ["[auth]\nold_servers = a:1\nservers = b:1\n"],
    ["[auth]\nservers = b:1\n", "[auth]\nold_servers = a:1\n"],
    ["[auth]\nservers = b:1\n", "[DEFAULT]\nservers = c:1\n"],
    ["[DEFAULT]\ndriver = a\ndriver = b\n", "[DEFAULT]\ndriver = c\n"],
    ["[DEFAULT]\nstores = fast:rbd, cheap : file\n"],
    ["[DEFAULT]\nstores = fast\n"],
    ["[DEFAULT]\nstores = a:b,a:c\n"],
    ["[DEFAULT]\nstores = a, b:c\n"],
    ["[DEFAULT]\nstores = a:b,c\n"],
    ["[DEFAULT]\nstores = :b\n"],
    ["[DEFAULT]\nstores = a:b:c\n"],
    ["[DEFAULT]\nlevel = high\n"],
    ["[DEFAULT]\nlevel = High\n"],
    ["[token]\nexpiration = 1\n", "[token]\nexpiration = 2\n", "[token]\ncache_time = 3\n"],
    ["[token]\nexpiration = 7200\ncache_time = $expiration\n"],
    ["[token]\ncache_time = ${expiration}\n"],
    ["[token]\ncache_time = $token.expiration\n"],
    ["[token]\ncache_time = $retries\n[DEFAULT]\nretries = 5\n"],
    ["[token]\nprovider = $token.caching\n"],
    ["[token]\nprovider = $cache_time.\n"],
    ["[token]\nprovider = x${cache_time}y\n"],
    ["[token]\nprovider = a$$b\\$c$1$\n"],
    ["[token]\nprovider = $EXPIRATION\n"],
    ["[token]\nprovider = $auth.roles\n"],
    ["[DEFAULT]\nretries = 5\n[token]\nprovider = $DEFAULT.retries\n"],
    ["[token]\nexpiration = $cache_time\ncache_time = $expiration\n"],
]

LINES = [
    "[token]", "[Token]", "[auth]", "[DEFAULT]", "[default]", "[ token ]", "[]", "[token", "# comment", "; comment", "",
    "  ", "\t", "  more", "\tmore = 1", "  # more", "  [auth]", "words", "= value", ": value", "expiration = 5",
    "expiration: 6", "expiration=", "expiration = x", "expiration = '7'", "expiration = 8 # nine", "cache_time = 5",
    "cache-time = 6", "provider = jws", "provider: a:b", "provider = \"a b\"", "provider = $expiration",
    "provider = ${cache_time}!", "caching = no", "caching = maybe", "roles = a, b", "roles = a,", "servers = a:1,",
    "old_servers = b:1", "retries = 5", "retries = -1", "driver = a", "driver = b", "stores = a:b", "level = high",
    "expiration = 9  ", " expiration = 10", "other = $nothing", "provider = $nothing",
]



MESSAGES = [
    "Unexpected continuation line",
    "Invalid section (must end with ])",
    "Empty section name",
    "No ':' or '=' found in assignment",
    "Key cannot be empty",
    "Section must be started before assignment",
]


def line_of(error, message):
    found = re.search(r"\.conf:(\d+), " + re.escape(message), error)
    return found and int(found[1])


def record(texts):
    case = {"files": texts}
    with tempfile.TemporaryDirectory() as folder:
        args = []
        for index, text in enumerate(texts):
            path = os.path.join(folder, f"{index}.conf")
            with open(path, "w", newline="", encoding="utf-8") as file:
                file.write(text)
            args += ["--config-file", path]
        conf = cfg.ConfigOpts()
        for section, options in OPTIONS.items():
            conf.register_opts(options, group=None if section == "DEFAULT" else section)
        try:
            conf(args, project="nothing", default_config_files=[], default_config_dirs=[], use_env=False)
        except cfg.ConfigFileParseError as error:
            what, line = next((message, line) for message in MESSAGES for line in [line_of(str(error), message)] if line)
            index = int(os.path.basename(str(error).split(":")[0].removeprefix("Failed to parse ")).split(".")[0])
            case["error"] = {"file": index, "line": line, "what": what}
            return case
        values = {}
        for section, options in OPTIONS.items():
            for option in options:
                try:
                    group = conf if section == "DEFAULT" else conf[section]
                    value = getattr(group, option.dest)
                except (RecursionError, cfg.Error) as error:
                    value = {"error": type(error).__name__}
                if value != option.default:
                    values[f"{section}.{option.dest}"] = value
        case["values"] = values
    return case


def main(path):
    rng = random.Random(20260601)
    texts = list(WRITTEN)
    for _ in range(int(os.environ.get("RANDOM_CASES", "250"))):
        files = []
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            # Mostly files that begin as they should: of the others the first line is all that counts.
            lines = [rng.choice(["[token]", "[auth]", "[DEFAULT]"])] if rng.random() < 0.9 else []
            lines += [rng.choice(LINES) for _ in range(rng.randint(0, 9))]
            files.append(rng.choice(["\n", "\n", "\r\n"]).join(lines) + rng.choice(["", "\n"]))
        texts.append(files)
    cases = [record(files) for files in texts]
    with open(path, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(case, sort_keys=True) for case in cases) + "\n]\n")


main(sys.argv[1])
