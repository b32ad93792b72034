#!/usr/bin/env python3
"""Makes rules.tsv out of uap-core's rules, as PyPI `ua-parser-builtins` ships them.

usage: pip download --no-deps ua-parser-builtins && unzip ua_parser_builtins-*.whl -d builtins && generate.py builtins > rules.tsv

One rule a line: kind (u browser, o system, d device), flags, pattern, four replacements, then groups of atoms: texts in lower case, separated
by "\u00a6", of which at least one of every group stands in everything that the pattern matches.
"""
import re, sys, types

try: from re import _parser as sre
except ImportError: import sre_parse as sre

MIN, GROUPS = 2, 4  # shorter atoms, and more groups, tell little

def groups(seq):
    """Sets of texts, of each of which one must occur."""
    found, run = [], ""
    def close():
        nonlocal run
        if len(run) >= MIN: found.append(frozenset([run]))
        run = ""
    for op, arg in seq:
        op = str(op)
        if op == "LITERAL" and arg < 128: run += chr(arg).lower(); continue
        if op == "SUBPATTERN":
            inner = arg[-1]
            if all(str(o) == "LITERAL" and a < 128 for o, a in inner):
                run += "".join(chr(a).lower() for _, a in inner); continue
            close(); found += groups(inner); continue
        close()
        if op == "BRANCH":
            best = [max(groups(branch), key=weight, default=None) for branch in arg[1]]
            if all(best): found.append(frozenset().union(*best))
        elif op in ("MAX_REPEAT", "MIN_REPEAT") and arg[0] >= 1: found += groups(arg[2])
    close()
    return found

def weight(group): return min(map(len, group)), -len(group)

def main():
    module = types.ModuleType("ua_parser"); matchers = types.ModuleType("ua_parser.matchers")
    for name, kind in (("UserAgentMatcher", "u"), ("OSMatcher", "o"), ("DeviceMatcher", "d")):
        setattr(matchers, name, lambda *args, kind=kind: (kind, args))
    sys.modules["ua_parser"], sys.modules["ua_parser.matchers"] = module, matchers
    space = {}
    exec(open(sys.argv[1] + "/ua_parser_builtins/matchers.py").read(), space)
    for rules in space["MATCHERS"]:
        for kind, args in rules:
            pattern, rest = args[0], list(args[1:])
            flag = "-"
            if kind == "d": flag = (rest.pop(0) if rest else None) or "-"
            rest = [r or "" for r in rest] + [""] * (4 - len(rest))
            found = sorted(set(groups(sre.parse(pattern))), key=weight, reverse=True)[:GROUPS]
            line = [kind, flag, pattern, *rest[:4], *("\u00a6".join(sorted(group)) for group in found)]
            assert not any("\t" in x or "\n" in x for x in line), line
            print("\t".join(line))

main()
