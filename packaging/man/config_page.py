"""Makes the page of section 5 for a program's configuration, from the example that the program prints itself.

    config_page.py NAME < EXAMPLE > NAME.toml.5
"""

import sys


def escaped(line):
    """One line as roff shows it: a backslash as itself, and nothing taken for a request."""
    line = line.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return "\\&" + line if line[:1] in (".", "'") else line


def page(name, example):
    file = "/etc/logboom/" + name.removeprefix("logboom-") + ".toml"
    lines = [
        f'.TH {escaped(name.upper())}.TOML 5 "" "Logboom" "Logboom"',
        ".SH NAME",
        f"{escaped(name)}.toml \\- configuration of {escaped(name)}(8)",
        ".SH DESCRIPTION",
        f".I {file}",
        "is TOML; files",
        f".I {file.removesuffix('.toml')}.d/*.toml",
        "are read after it, in the order of their names. Tables in double brackets add to those before them.",
        "An unknown key is a mistake, and every mistake is told with its place. In text, ${NAME} is a variable of the",
        "environment, ${file:/path} what a file holds, ${cred:name} a credential of systemd, $$ a dollar sign.",
        ".SH OPTIONS",
        "What is commented out shows its default or an example.",
        ".PP",
        ".nf",
        *(escaped(line) for line in example.splitlines()),
        ".fi",
        ".SH SEE ALSO",
        f".BR {escaped(name)} (8)",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1], sys.stdin.read()))
