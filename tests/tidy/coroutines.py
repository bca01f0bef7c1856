"""Where `co_await` may stand. g++ 12 miscompiles other forms, silently (CONTRIBUTING.md).

    co_await expression;
    [const] T name = co_await expression;      also `place = co_await expression;` and as the
                                               declaration of LB_CO_TRY
    co_return co_await expression;

One per statement, no braces, lambdas or `?:` in it. A coroutine is no lambda with captures, and nothing
is awaited in a catch block or in the condition of if, while, switch and for.
"""

import re

from tree import Finding, Sample, closing, code_only, line_of

_name = r"[A-Za-z_][\w:]*"
_attribute = r"(?:\[\[\w+\]\]\s*)?"
_declaration = rf"{_attribute}(?:const\s+|static\s+)*{_name}(?:\s*<[^;=]*>)?(?:\s*[*&]+|\s+const)*\s+{_name}"
_place = r"\*?[A-Za-z_][\w.:]*(?:->[\w.]+|\[[^\[\]]*\]|\(\))*(?:\.[\w.]+)*"
_allowed = [
    re.compile(rf"{before}$", re.DOTALL)
    for before in (
        r"",
        r"co_return",
        rf"{_declaration}\s*=",
        rf"{_place}\s*=",
        rf"LB_CO_TRY\(\s*(?:{_declaration}|{_place})\s*,",
        r"LB_CO_CHECK\(",
        r"\(void\)",
    )
]
_label = re.compile(r"^(?:case\b[^?]*?(?<!:):(?!:)|default:|else\b|do\b)\s*", re.DOTALL)
_condition = re.compile(r"\b(if|while|switch|for)\s*(?:constexpr\s*)?\($")
_lambda = re.compile(r"(?<![\w\])])\[(?!\[)([^\[\]{};]*)\]\s*(?=[({]|mutable|noexcept|->)")


def statement_start(code, index):
    """Where the statement around `index` begins; braces that are closed again before it belong to it."""
    depth = 0
    for at in range(index - 1, -1, -1):
        char = code[at]
        if char in ")]":
            depth += 1
        elif char in "([":
            depth -= 1
        elif char in "{}" and depth <= 0:
            return at + 1
        elif char == ";" and depth <= 0:
            return at + 1
    return 0


def statement_end(code, index):
    depth = 0
    for at in range(index, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
            if depth < -1:
                return at
        elif code[at] == ";" and depth <= 0:
            return at
    return len(code)


def lambdas(code):
    """(captures, body start, body end, index) of each lambda."""
    for match in _lambda.finditer(code):
        at = match.end()
        if at < len(code) and code[at] == "(":
            at = closing(code, at) + 1
        brace = re.compile(r"[^{};()]*(?:\([^()]*\)[^{};()]*)*\{").match(code, at)
        if brace:
            yield match.group(1).strip(), brace.end() - 1, closing(code, brace.end() - 1), match.start()


def check_awaits(path, code):
    for match in re.finditer(r"\bco_await\b", code):
        index, line = match.start(), line_of(code, match.start())
        if code[:index].rstrip().endswith("operator"):
            continue
        start = statement_start(code, index)
        before = _label.sub("", code[start:index].strip()).strip()
        expression = code[match.end() : statement_end(code, match.end())]
        if _open_condition(before):
            yield Finding(path, line, "co_await in the condition of if, while, switch or for: name the result first")
        elif "?" in before or "?" in expression:
            yield Finding(path, line, "co_await beside ?: — use if and else")
        elif before.count("co_await") or re.search(r"\bco_await\b", expression):
            yield Finding(path, line, "two co_await in one statement")
        elif re.search(r"\bauto\s*&*\s*\[", before):
            yield Finding(path, line, "structured binding of an awaited value: name it first")
        elif not any(form.match(before) for form in _allowed):
            yield Finding(path, line, f"co_await in a form that is not allowed, after {before[-40:]!r}")
        elif _lambda.search(expression):
            yield Finding(path, line, "a lambda inside an awaited call: name it first")
        elif "{" in expression:
            yield Finding(path, line, "braces inside an awaited call: name the aggregate first")


def _open_condition(before):
    depth = 0
    for at in range(len(before) - 1, -1, -1):
        if before[at] == ")":
            depth += 1
        elif before[at] == "(":
            if depth == 0 and _condition.search(before[: at + 1]):
                return True
            depth -= 1 if depth else 0
    return False


def check_lambdas(path, code):
    found = list(lambdas(code))
    for match in re.finditer(r"\bco_(?:await|return|yield)\b", code):
        around = [one for one in found if one[1] < match.start() < one[2]]
        if around and max(around, key=lambda one: one[1])[0]:
            where = max(around, key=lambda one: one[1])
            yield Finding(path, line_of(code, where[3]), "a lambda with captures is a coroutine: write a member function")


def check_catches(path, code):
    for match in re.finditer(r"\bcatch\s*\(", code):
        brace = code.find("{", closing(code, match.end() - 1))
        if brace >= 0 and "co_await" in code[brace : closing(code, brace)]:
            yield Finding(path, line_of(code, match.start()), "co_await inside catch: leave the block first")


def check(tree):
    for path, text in tree.cpp():
        if path.endswith("compiler_probe_test.cpp") or "co_" not in text:
            continue
        code = "\n".join("" if line.lstrip().startswith("#") else line for line in code_only(text).split("\n"))
        yield from check_awaits(path, code)
        yield from dict.fromkeys(check_lambdas(path, code))
        yield from check_catches(path, code)


def _body(name, text, expected):
    return Sample(name, {"shared/io/a.cpp": "Task<int> f() {\n    " + text + "\n}\n"}, expected)


samples = [
    _body("alone", "co_await g(a, std::move(b));", None),
    _body("a value", "[[maybe_unused]] const auto a = co_await g(x);", None),
    _body("a typed value", "Result<std::unique_ptr<Conn>> a = co_await l->next();", None),
    _body("a place", "answer.code = co_await g(*asked.name);", None),
    _body("co_return", "if (x) {\n co_return co_await g();\n }", None),
    _body("try", "LB_CO_TRY(const auto a, co_await g(x[0]));\n LB_CO_CHECK(co_await h());", None),
    _body("in a case", "switch (x) { case A::b: co_return co_await g(); }", None),
    _body("a comment", "// if (co_await x)\n co_await y();", None),
    _body("named lambda of another kind", "const auto less = [](int a) { return a; };\n co_await g(less);", None),
    _body("if", "if (co_await g()) {}", "condition of if"),
    _body("while", "while (!(co_await g()).ok) {}", "condition of if"),
    _body("range for", "for (auto x : co_await g()) {}", "condition of if"),
    _body("aggregate", "co_await g({1, 2});", "braces inside"),
    _body("aggregate by name", "const auto a = co_await g(Options{.n = 1});", "braces inside"),
    _body("temporary", "co_await Thing{}.run();", "braces inside"),
    _body("lambda", "co_await g([x] { return x; });", "a lambda inside"),
    _body("two", "co_await g(co_await h());", "two co_await"),
    _body("in braces", "Options o{.n = co_await g()};", "not allowed"),
    _body("argument", "use(co_await g());", "not allowed"),
    _body("ternary", "const auto a = x ? co_await g() : 0;", "?:"),
    _body("ternary behind", "const auto a = co_await g(x ? b : c);", "?:"),
    _body("binding", "auto [a, b] = co_await g();", "structured binding"),
    _body("captures", "auto f = [this]() -> Task<int> { co_return 1; };", "lambda with captures"),
    _body("no captures", "auto f = [](int a) -> Task<int> { co_return a; };", None),
    _body("catch", "try { } catch (const E& e) { co_await g(); }", "inside catch"),
]
