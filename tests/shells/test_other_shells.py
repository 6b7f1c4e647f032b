"""PowerShell and Nushell: what is written reads back, by the rules that their manuals give.

Neither is at hand in these tests. Nushell 0.115 was given these texts once by hand; PowerShell never.
"""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from keyturn.shells import nushell, plugins_sh, powershell, quoting

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
NUSHELL_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


@given(WORDS)
@example("it's ‘quoted’ “twice” $(x) `n")
def test_powershell_quotes(word: str) -> None:
    written = quoting.powershell(word)
    assert (written[0], written[-1]) == ("'", "'")
    inside = written[1:-1]
    # A quote that stands alone, of any of the five, would end the text.
    assert not re.sub("(['\u2018\u2019\u201a\u201b])\\1", "", inside).strip("\0").count("'")
    assert re.sub("(['\u2018\u2019\u201a\u201b])\\1", r"\1", inside) == word


@given(WORDS)
@example('"\\" $x (y) \n\\n')
def test_nushell_quotes(word: str) -> None:
    written = quoting.nushell(word)
    assert re.fullmatch(r'"(?:[^"\\]|\\[nrt"\\])*"', written)
    assert re.sub(r"\\(.)", lambda match: NUSHELL_ESCAPES[match[1]], written[1:-1]) == word


def test_a_wrapper_each() -> None:
    command = ["/opt/it's/python", "-IS", '/a "b"/launcher']
    power = plugins_sh.render_for("pwsh", ["aws", "cdk"], command).decode()
    assert power.count("function global:") == 2
    assert "& '/opt/it''s/python' '-IS' '/a \"b\"/launcher' aws @args" in power
    assert power == powershell.functions(["aws", "cdk"], command) + power.splitlines()[-1] + "\n"
    nu = plugins_sh.render_for("nu", ["aws", "cdk"], command).decode()
    assert nu.count("def --wrapped ") == 2
    assert '^"/opt/it\'s/python" "-IS" "/a \\"b\\"/launcher" cdk ...$rest' in nu
    assert nu.startswith(nushell.functions(["aws", "cdk"], command))
