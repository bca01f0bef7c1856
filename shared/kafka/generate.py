"""Turns the schemas of messages/ into C++: structs with decode and encode for every version.

    generate.py message SCHEMA OUT.h OUT.cpp     one API
    generate.py table OUT.cpp SCHEMA...          the table behind shared/kafka/api.h
    generate.py random OUT.h OUT.cpp SCHEMA...   random_fill() for every message, for tests

The form of a schema is in messages/README.md.
"""

import pathlib
import re
import sys

FOREVER = 32767

# Name in the schema: C++ type, Reader and Writer method, fewest bytes on the wire, default.
SCALARS = {
    "bool": ("bool", "boolean", 1, "false"),
    "i8": ("std::int8_t", "i8", 1, "0"),
    "i16": ("std::int16_t", "i16", 2, "0"),
    "u16": ("std::uint16_t", "u16", 2, "0"),
    "i32": ("std::int32_t", "i32", 4, "0"),
    "i64": ("std::int64_t", "i64", 8, "0"),
    "uuid": ("Uuid", "uuid", 16, ""),
    "error": ("KafkaError", "i16", 2, "KafkaError::none"),
}
TEXTS = {"string": "std::string_view", "text": "std::string"}
BLOBS = {"bytes": ("ByteView", "bytes"), "records": ("Records", "records")}

FIELD = re.compile(
    r"(?P<name>[a-z][a-z0-9_]*)\s+(?P<array>\[\])?(?P<type>[A-Za-z0-9]+)(?P<null>\?(?:\d+\+)?)?"
    r"(?:\s+v(?P<from>\d+)(?P<open>\+)?(?:-(?P<to>\d+))?)?"
    r"(?:\s+tag\s+(?P<tag>\d+))?(?:\s+=\s+(?P<default>\S+))?"
)


class SchemaError(Exception):
    pass


class Field:
    def __init__(self, match, comment, api):
        self.name = match["name"]
        self.is_array = match["array"] is not None
        self.type = match["type"]
        self.null_from = None
        if match["null"]:
            self.null_from = int(match["null"].strip("?+") or 0)
        self.first = int(match["from"] or 0)
        self.last = int(match["to"]) if match["to"] else self.first
        if match["from"] is None or match["open"]:
            self.last = FOREVER
        self.tag = int(match["tag"]) if match["tag"] else None
        self.default = match["default"]
        self.comment = comment
        self.fields = []  # of a struct
        self.api = api

    @property
    def is_struct(self):
        return self.type[0].isupper()

    @property
    def is_nullable(self):
        return self.null_from is not None

    @property
    def is_optional(self):
        """Whether null needs std::optional; Records knows it by itself."""
        return self.is_nullable and (self.is_array or self.type in TEXTS)

    def condition(self):
        """C++ that is true in versions with this field; empty when that is all of them."""
        return self.api.range_condition(self.first, self.last)

    def null_condition(self):
        return self.api.range_condition(self.null_from, FOREVER)

    def element_type(self):
        if self.is_struct:
            return self.type
        if self.type in SCALARS:
            return SCALARS[self.type][0]
        if self.type in TEXTS:
            return TEXTS[self.type]
        return BLOBS[self.type][0]

    def cpp_type(self):
        inner = self.element_type()
        if self.is_array:
            inner = f"std::vector<{inner}>"
        return f"std::optional<{inner}>" if self.is_optional else inner

    def cpp_default(self):
        if self.is_array or self.is_struct or self.is_optional or self.type not in SCALARS:
            return ""
        if self.default is None:
            return SCALARS[self.type][3]
        if self.default == "-2147483648":
            return "std::numeric_limits<std::int32_t>::min()"
        if self.default == "2147483647":
            return "std::numeric_limits<std::int32_t>::max()"
        return self.default

    def check(self):
        if self.is_struct:
            if not self.fields:
                raise SchemaError(f"{self.name}: struct {self.type} has no fields")
            if self.is_nullable and not self.is_array:
                raise SchemaError(f"{self.name}: nullable structs are not supported")
        elif self.fields:
            raise SchemaError(f"{self.name}: {self.type} cannot have fields")
        elif self.type not in SCALARS and self.type not in TEXTS and self.type not in BLOBS:
            raise SchemaError(f"{self.name}: unknown type {self.type}")
        if self.is_array and self.type in BLOBS:
            raise SchemaError(f"{self.name}: arrays of {self.type} are not supported")
        if self.is_nullable and not self.is_array and self.type not in TEXTS and self.type != "records":
            raise SchemaError(f"{self.name}: {self.type} cannot be null")
        for inner in self.fields:
            inner.check()

    def wire_bytes_min(self, version):
        """Fewest bytes of this field in `version`; a lower bound is enough."""
        if not self.first <= version <= self.last or self.tag is not None:
            return 0
        compact = version >= self.api.flexible_from
        if self.is_array:
            return 1 if compact else 4
        if self.is_struct:
            return struct_bytes_min(self.fields, version, compact)
        if self.type in SCALARS:
            return SCALARS[self.type][2]
        if compact:
            return 1
        return 2 if self.type in TEXTS else 4

    def element_bytes_min(self):
        sizes = []
        for version in range(self.api.version_min, self.api.version_max + 1):
            if not self.first <= version <= self.last:
                continue
            compact = version >= self.api.flexible_from
            if self.is_struct:
                sizes.append(struct_bytes_min(self.fields, version, compact))
            elif self.type in SCALARS:
                sizes.append(SCALARS[self.type][2])
            else:
                sizes.append(1 if compact else 2)
        return max(1, min(sizes))


def struct_bytes_min(fields, version, compact):
    return sum(f.wire_bytes_min(version) for f in fields) + (1 if compact else 0)


class Api:
    """One schema file."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.file_name = self.path.stem
        self.doc = []
        self.name = None
        self.messages = {"request": [], "response": []}
        self.advertised = None
        self.parse(self.path.read_text(encoding="utf-8").splitlines())

    def range_condition(self, first, last):
        parts = []
        if first > self.version_min:
            parts.append(f"version >= {first}")
        if last < self.version_max:
            parts.append(f"version <= {last}")
        return " && ".join(parts)

    def parse(self, lines):
        stack = []
        for number, line in enumerate(lines, 1):
            try:
                text, _, comment = line.partition("#")
                if not text.strip():
                    if comment and self.name is None:
                        self.doc.append(comment.strip())
                    continue
                if text[0] != " ":
                    stack = self.parse_statement(text.split(), stack)
                    continue
                self.parse_field(text.rstrip(), comment.strip(), stack)
            except (SchemaError, ValueError, KeyError) as problem:
                raise SystemExit(f"{self.path}:{number}: {problem}") from problem
        for fields in self.messages.values():
            for field in fields:
                try:
                    field.check()
                except SchemaError as problem:
                    raise SystemExit(f"{self.path}: {problem}") from problem

    def parse_statement(self, words, stack):
        if words[0] == "api":
            self.name, self.key = words[1], int(words[2])
        elif words[0] == "versions":
            self.version_min, self.version_max = (int(n) for n in words[1].split("-"))
            self.flexible_from = FOREVER
            if len(words) == 4 and words[2] == "flexible":
                self.flexible_from = int(words[3].rstrip("+"))
        elif words[0] == "advertised":
            self.advertised = tuple(int(n) for n in words[1].split("-"))
        elif words[0] in self.messages:
            return [self.messages[words[0]]]
        else:
            raise SchemaError(f"unknown statement {words[0]}")
        return stack

    def parse_field(self, text, comment, stack):
        indent = len(text) - len(text.lstrip())
        depth, odd = divmod(indent, 4)
        if odd or not stack or depth > len(stack):
            raise SchemaError("odd indentation")
        match = FIELD.fullmatch(text.strip())
        if not match:
            raise SchemaError("this is no field")
        field = Field(match, comment, self)
        del stack[depth:]
        stack[-1].append(field)
        stack.append(field.fields)

    @property
    def key_name(self):
        return self.file_name


def structs_of(fields):
    """The structs below these fields, inner ones first."""
    for field in fields:
        if field.is_struct:
            yield from structs_of(field.fields)
            yield field


# --- Header ------------------------------------------------------------------------------------------


def field_lines(fields, indent):
    lines = []
    for field in fields:
        if field.comment:
            lines.append(f"{indent}/// {field.comment}")
        default = field.cpp_default()
        init = f" = {default}" if default else ("{}" if field.type in ("bytes",) else "")
        lines.append(f"{indent}{field.cpp_type()} {field.name}{init};")
    return lines


def message_struct(api, message, kind):
    name = f"{api.name}{kind}"
    lines = [f"struct {name} {{"]
    lines += [
        f"    static constexpr ApiKey api = ApiKey::{api.key_name};",
        f"    static constexpr bool is_request = {'true' if kind == 'Request' else 'false'};",
        f"    static constexpr std::int16_t version_min = {api.version_min};",
        f"    static constexpr std::int16_t version_max = {api.version_max};",
        f"    static constexpr std::int16_t flexible_from = {api.flexible_from};",
        "",
    ]
    for struct in structs_of(message):
        lines.append(f"    struct {struct.type} {{")
        lines += field_lines(struct.fields, "        ")
        lines.append(f"        friend bool operator==(const {struct.type}&, const {struct.type}&) = default;")
        lines += ["    };", ""]
    lines += field_lines(message, "    ")
    lines += [
        "",
        "    /// Errors: `unsupported` outside version_min to version_max, `malformed`.",
        f"    [[nodiscard]] static Result<{name}> decode(Reader& reader, std::int16_t version);",
        "    /// `version` is within version_min to version_max.",
        "    void encode(Writer& writer, std::int16_t version) const;",
        "",
        f"    friend bool operator==(const {name}&, const {name}&) = default;",
        "};",
    ]
    return lines


def header_text(api):
    lines = [f"// {line}" for line in api.doc]
    lines += [
        f"// Generated from {api.path.name}; text and bytes borrow from the frame they were decoded from.",
        "#pragma once",
        "",
        '#include "shared/base/result.h"',
        '#include "shared/kafka/api.h"',
        '#include "shared/kafka/kafka_error.h"',
        '#include "shared/kafka/reader.h"',
        '#include "shared/kafka/writer.h"',
        "",
        "#include <cstdint>",
        "#include <limits>",
        "#include <optional>",
        "#include <string>",
        "#include <string_view>",
        "#include <vector>",
        "",
        "namespace logboom::kafka {",
        "",
        f"static_assert(static_cast<std::int16_t>(ApiKey::{api.key_name}) == {api.key});",
        "",
    ]
    lines += message_struct(api, api.messages["request"], "Request") + [""]
    lines += message_struct(api, api.messages["response"], "Response") + [""]
    lines += ["}  // namespace logboom::kafka", ""]
    return "\n".join(lines)


# --- Decoding ----------------------------------------------------------------------------------------


def read_scalar(field, reader):
    if field.type == "error":
        return f"static_cast<KafkaError>({reader}.i16())"
    if field.type in SCALARS:
        return f"{reader}.{SCALARS[field.type][1]}()"
    if field.type == "text":
        return f"std::string({reader}.string(form))"
    return f"{reader}.{BLOBS[field.type][1] if field.type in BLOBS else 'string'}(form)"


def read_element(field, target, reader):
    if field.is_struct:
        return f"read({reader}, {target}.emplace_back(), version);"
    return f"{target}.push_back({read_scalar(field, reader)});"


def read_field(field, reader):
    """Statements that read one present field."""
    target = f"out.{field.name}"
    bytes_min = field.element_bytes_min() if field.is_array else 0
    loop = [
        "    items.reserve(count);",
        f"    for (std::uint32_t i = 0; i < count && !{reader}.failed(); ++i) {{",
        f"        {read_element(field, 'items', reader)}",
        "    }",
    ]
    if field.is_array and field.is_optional:
        lines = [
            f"if (const auto found = {reader}.nullable_array(form, {bytes_min}); found.has_value()) {{",
            f"    auto& items = {target}.emplace();",
            "    const std::uint32_t count = *found;",
            *loop,
            "}",
        ]
        return lines + null_check(field, reader)
    if field.is_array:
        return [
            "{",
            f"    auto& items = {target};",
            f"    const std::uint32_t count = {reader}.array(form, {bytes_min});",
            *loop,
            "}",
        ]
    if field.is_struct:
        return [f"read({reader}, {target}, version);"]
    if field.is_optional:
        lines = [f"{target} = {reader}.nullable_string(form);"]
        if field.type == "text":
            lines = [
                f"if (const auto found = {reader}.nullable_string(form); found.has_value()) {{",
                f"    {target}.emplace(*found);",
                "}",
            ]
        return lines + null_check(field, reader)
    lines = [f"{target} = {read_scalar(field, reader)};"]
    if field.type == "records" and not field.is_nullable:
        lines += [f"if ({target}.is_null) {{", f'    {reader}.fail("{field.name} is null");', "}"]
    return lines


def null_check(field, reader):
    condition = field.null_condition()
    if not condition:
        return []
    return [
        f"if (!out.{field.name}.has_value() && !({condition})) {{",
        f'    {reader}.fail("{field.name} is null in a version that has no null there");',
        "}",
    ]


def under(condition, lines):
    if not condition:
        return lines
    return [f"if ({condition}) {{"] + ["    " + line for line in lines] + ["}"]


def form_line(api):
    if api.flexible_from <= api.version_min:
        return "[[maybe_unused]] constexpr Form form = Form::compact;"
    if api.flexible_from > api.version_max:
        return "[[maybe_unused]] constexpr Form form = Form::classic;"
    return f"const Form form = version >= {api.flexible_from} ? Form::compact : Form::classic;"


def read_function(api, cpp_name, fields):
    lines = [f"void read(Reader& reader, {cpp_name}& out, [[maybe_unused]] const std::int16_t version) {{"]
    body = [form_line(api)]
    for field in fields:
        if field.tag is None:
            body += under(field.condition(), read_field(field, "reader"))
    tagged = [field for field in fields if field.tag is not None]
    if tagged:
        cases = ["for (TagReader tags(reader); tags.next();) {", "    switch (tags.number()) {"]
        for field in tagged:
            cases.append(f"    case {field.tag}:")
            inner = under(field.condition(), read_field(field, "tags.content()"))
            cases += ["        " + line for line in inner]
            cases.append("        break;")
        cases += ["    default: break;", "    }", "}"]
        body += under("form == Form::compact", cases)
    else:
        body += under("form == Form::compact", ["reader.skip_tags();"])
    return lines + ["    " + line for line in body] + ["}", ""]


# --- Encoding ----------------------------------------------------------------------------------------


def write_value(field, value, writer):
    if field.is_struct:
        return f"write({writer}, {value}, version);"
    if field.type == "error":
        return f"{writer}.i16(static_cast<std::int16_t>({value}));"
    if field.type in SCALARS:
        return f"{writer}.{SCALARS[field.type][1]}({value});"
    if field.type in TEXTS:
        return f"{writer}.string({value}, form);"
    return f"{writer}.{BLOBS[field.type][1]}({value}, form);"


def write_field(field, writer):
    value = f"in.{field.name}"
    if field.is_array:
        items = f"*{value}" if field.is_optional else value
        size = f"{value}->size()" if field.is_optional else f"{value}.size()"
        lines = [
            f"{writer}.array({size}, form);",
            f"for (const auto& item : {items}) {{",
            f"    {write_value(field, 'item', writer)}",
            "}",
        ]
        if not field.is_optional:
            return lines
        lines = under(f"{value}.has_value()", lines)
        missing = [f"{writer}.null_array(form);"]
        if field.null_condition():
            missing.insert(0, f"LB_ASSERT({field.null_condition()});")
        return lines[:-1] + ["} else {"] + ["    " + line for line in missing] + ["}"]
    if field.is_optional:
        lines = [f"{writer}.nullable_string({value}, form);"]
        if field.null_condition():
            lines.insert(0, f"LB_ASSERT({value}.has_value() || ({field.null_condition()}));")
        return lines
    return [write_value(field, value, writer)]


def is_set(field):
    """C++ that is true when a tagged field is not at its default."""
    value = f"in.{field.name}"
    if field.is_optional:
        return f"{value}.has_value()"
    if field.is_array:
        return f"!{value}.empty()"
    if field.is_struct:
        return f"!is_default({value})"
    if field.type == "bool":
        return value
    return f"{value} != {field.cpp_default()}"


def write_function(api, cpp_name, fields):
    lines = [f"void write(Writer& writer, const {cpp_name}& in, [[maybe_unused]] const std::int16_t version) {{"]
    body = [form_line(api)]
    for field in fields:
        if field.tag is None:
            body += under(field.condition(), write_field(field, "writer"))
    tagged = sorted((f for f in fields if f.tag is not None), key=lambda f: f.tag)
    if tagged:
        inner = ["TagWriter tags(writer);"]
        for field in tagged:
            parts = [part for part in (field.condition(), is_set(field)) if part]
            add = [f"Writer& content = tags.add({field.tag});"] + write_field(field, "content")
            inner += under(" && ".join(parts), add)
        inner.append("tags.finish();")
        body += under("form == Form::compact", inner)
    else:
        body += under("form == Form::compact", ["writer.no_tags();"])
    return lines + ["    " + line for line in body] + ["}", ""]


def source_text(api):
    lines = [
        f"// Generated from {api.path.name}.",
        f'#include "shared/kafka/messages/{api.file_name}.h"',
        "",
        "namespace logboom::kafka {",
        "",
        "namespace {",
        "",
    ]
    for kind, message in (("Request", "request"), ("Response", "response")):
        name = f"{api.name}{kind}"
        for struct in structs_of(api.messages[message]):
            lines += read_function(api, f"{name}::{struct.type}", struct.fields)
            lines += write_function(api, f"{name}::{struct.type}", struct.fields)
        lines += read_function(api, name, api.messages[message])
        lines += write_function(api, name, api.messages[message])
    lines += ["}  // namespace", ""]
    for kind in ("Request", "Response"):
        name = f"{api.name}{kind}"
        lines += [
            f"Result<{name}> {name}::decode(Reader& reader, const std::int16_t version) {{",
            "    if (version < version_min || version > version_max) {",
            f'        return Error{{ErrorCode::unsupported, 0, "decode {name}"}};',
            "    }",
            f"    {name} message;",
            "    read(reader, message, version);",
            "    if (reader.failed()) {",
            "        return reader.error();",
            "    }",
            "    return message;",
            "}",
            "",
            f"void {name}::encode(Writer& writer, const std::int16_t version) const {{",
            "    LB_ASSERT(version >= version_min);",
            "    LB_ASSERT(version <= version_max);",
            "    write(writer, *this, version);",
            "}",
            "",
        ]
    lines += ["}  // namespace logboom::kafka", ""]
    return "\n".join(lines)


# --- Table -------------------------------------------------------------------------------------------


def table_text(apis):
    apis = sorted(apis, key=lambda api: api.key)
    lines = [
        "// Generated from the schemas of shared/kafka/messages.",
        '#include "shared/kafka/api.h"',
        "",
        "#include <array>",
        "",
        "namespace logboom::kafka {",
        "",
        "namespace {",
        "",
        f"constexpr std::array<ApiInfo, {len(apis)}> table = {{{{",
    ]
    for api in apis:
        low, high = api.advertised or (api.version_min, api.version_max)
        lines.append(
            f'    {{ApiKey::{api.key_name}, "{api.name}", {low}, {high}, '
            f"{api.version_min}, {api.version_max}, {api.flexible_from}}},"
        )
    lines += [
        "}};",
        "",
        "}  // namespace",
        "",
        "std::span<const ApiInfo> all_apis() noexcept { return table; }",
        "",
        "}  // namespace logboom::kafka",
        "",
    ]
    return "\n".join(lines)


# --- Random messages for tests -----------------------------------------------------------------------


def random_value(field):
    if field.type == "bool":
        return "rng.chance(0.5)"
    if field.type == "uuid":
        return "Uuid{rng.id128()}"
    if field.type in SCALARS:
        return f"static_cast<{SCALARS[field.type][0]}>(rng.next())"
    if field.type == "string":
        return "random_text(rng)"
    if field.type == "text":
        return "std::string(random_text(rng))"
    if field.type == "bytes":
        return "as_bytes(random_text(rng))"
    return "random_records(rng)"


def random_field(field):
    target = f"out.{field.name}"
    if field.is_array:
        items = f"{target}.emplace()" if field.is_optional else target
        lines = [
            f"auto& items = {items};",
            "for (std::uint64_t left = rng.below(4); left > 0; --left) {",
            "    fill(items.emplace_back(), rng, version);" if field.is_struct
            else f"    items.push_back({random_value(field)});",
            "}",
        ]
        if not field.is_optional:
            return ["{"] + ["    " + line for line in lines] + ["}"]
    elif field.is_struct:
        return [f"fill({target}, rng, version);"]
    else:
        lines = [f"{target} = {random_value(field)};"]
    if field.is_optional:
        null_allowed = field.null_condition()
        condition = f"!({null_allowed}) || rng.chance(0.7)" if null_allowed else "rng.chance(0.7)"
        return under(condition, lines)
    return lines


def random_function(cpp_name, fields):
    lines = [f"void fill({cpp_name}& out, Rng& rng, [[maybe_unused]] const std::int16_t version) {{"]
    for field in fields:
        lines += ["    " + line for line in under(field.condition(), random_field(field))]
    return lines + ["}", ""]


def random_texts(apis):
    apis = sorted(apis, key=lambda api: api.key)
    names = [f"{api.name}{kind}" for api in apis for kind in ("Request", "Response")]
    header = ["// Generated from the schemas of shared/kafka/messages: messages with random content.", "#pragma once", ""]
    header += ['#include "shared/base/rng.h"']
    header += [f'#include "shared/kafka/messages/{api.file_name}.h"' for api in apis]
    header += ["", "#include <tuple>", "", "namespace logboom::kafka {", ""]
    header += [f"using AllMessages = std::tuple<{', '.join(names)}>;", ""]
    header += ["/// Fills the fields that `version` carries. Text and bytes point at constants."]
    header += [f"void random_fill({name}& out, Rng& rng, std::int16_t version);" for name in names]
    header += ["", "}  // namespace logboom::kafka", ""]
    source = [
        '#include "shared/kafka/messages/random_messages.h"',
        "",
        "namespace logboom::kafka {",
        "",
        "namespace {",
        "",
        "std::string_view random_text(Rng& rng) {",
        "    static const std::string pool(300, 'x');  // longer than one byte of varint can say",
        "    return std::string_view(pool).substr(0, rng.chance(0.1) ? rng.below(300) : rng.below(12));",
        "}",
        "",
        "Records random_records(Rng& rng) {",
        "    Records records;",
        "    records.is_null = rng.chance(0.2);",
        "    records.bytes = records.is_null ? ByteView{} : as_bytes(random_text(rng));",
        "    return records;",
        "}",
        "",
    ]
    for api in apis:
        for kind, message in (("Request", "request"), ("Response", "response")):
            for struct in structs_of(api.messages[message]):
                source += random_function(f"{api.name}{kind}::{struct.type}", struct.fields)
            source += random_function(f"{api.name}{kind}", api.messages[message])
    source += ["}  // namespace", ""]
    for name in names:
        source += [
            f"void random_fill({name}& out, Rng& rng, const std::int16_t version) {{",
            "    fill(out, rng, version);",
            "}",
        ]
    source += ["", "}  // namespace logboom::kafka", ""]
    return "\n".join(header), "\n".join(source)


def write(path, text):
    pathlib.Path(path).write_text(text, encoding="utf-8")


def main(arguments):
    mode = arguments[0]
    if mode == "message":
        schema, header, source = arguments[1:]
        api = Api(schema)
        write(header, header_text(api))
        write(source, source_text(api))
    elif mode == "table":
        write(arguments[1], table_text([Api(path) for path in arguments[2:]]))
    elif mode == "random":
        header, source = random_texts([Api(path) for path in arguments[3:]])
        write(arguments[1], header)
        write(arguments[2], source)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
