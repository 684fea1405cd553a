/** Style of the report. System fonts; A4 in print, with the first screen on page 1. */
export const REPORT_STYLE = `
:root{color-scheme:light;--ink:#101828;--quiet:#667085;--line:#d8dee8;--soft:#f4f6f9;--accent:#1f5fbf;--good:#027a48;--bad:#b42318}
*{box-sizing:border-box}
body{margin:0;background:#fff;color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums}
body.zh{font-family:system-ui,"PingFang SC","Microsoft YaHei","Noto Sans SC","Noto Sans CJK SC","WenQuanYi Zen Hei",sans-serif}
main{max-width:74rem;margin:0 auto;padding:1.5rem 1.5rem 3rem}
header{border-left:4px solid var(--accent);padding-left:1rem;margin-bottom:1.1rem}
.meta{margin:0 0 .25rem;color:var(--quiet)}
h1{font-size:1.4rem;line-height:1.35;margin:0;font-weight:600}
h2{font-size:1rem;margin:1.4rem 0 .5rem;font-weight:650}
p{margin:.4rem 0}
small{font-size:.82em;color:var(--quiet);font-weight:400}
.note{color:var(--quiet);font-size:.85rem}
.quiet{color:var(--quiet)}
h1.state-held,h1.state-failed,h1.state-degraded{color:var(--bad)}
.tiles{display:grid;grid-template-columns:2.2fr 1fr 1fr 1.2fr;gap:.75rem;margin:0}
.tile{background:var(--soft);border-radius:.5rem;padding:.6rem .9rem}
.tile dt{color:var(--quiet);font-size:.85rem}
.tile dd{margin:0;font-size:1.35rem;font-weight:600}
.tile small{margin-left:.5rem;white-space:nowrap}
.columns{display:grid;grid-template-columns:minmax(0,1.75fr) minmax(0,1fr);gap:0 2.25rem}
table{border-collapse:collapse;width:100%}
th,td{padding:.32rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:baseline}
thead th{color:var(--quiet);font-weight:500;font-size:.85rem;border-bottom-color:#b8c1d0;vertical-align:bottom}
tbody th{font-weight:500}
th:first-child,td:first-child{padding-left:0}
.figures td,.figures thead th:not(:first-child),.right{text-align:right}
td.right{white-space:nowrap}
.sum th,.sum td{font-weight:600;border-bottom:0}
.matrix td,.shaded td{text-align:center!important;vertical-align:middle;border:2px solid #fff;min-width:2.6em}
.matrix tbody th,.shaded tbody th{vertical-align:middle}
.matrix thead th:not(:first-child),.shaded thead th:not(:first-child){text-align:center!important}
.empty{color:#98a2b3}
.id{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em;overflow-wrap:anywhere}
.person{list-style:none;margin:0;padding:0}
.person li{display:flex;gap:.8rem;padding:.3rem 0;border-bottom:1px solid var(--line);align-items:baseline}
.person b{min-width:2.6rem;text-align:right;font-size:1.1rem}
.person .quiet b{font-weight:400}
.list td,.list tbody th{overflow-wrap:break-word}
.team{font-size:.88rem}
.team td{white-space:nowrap}
.team td,.team th{padding:.28rem .4rem}
.list .id{min-width:6.5em}
.kind-exit,.kind-upgrade{white-space:nowrap}
.kind-exit{color:var(--bad);font-weight:600}
.kind-upgrade{color:var(--good);font-weight:600}
.plans{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:.9rem;margin:.6rem 0}
.plan{border:1px solid var(--line);border-radius:.5rem;padding:.7rem .9rem;break-inside:avoid}
.plan h4{margin:0;font-size:.95rem;font-weight:650}
.plan p{margin:.3rem 0 .5rem}
.plan dl{margin:0;font-size:.88rem}
.plan dl div{display:grid;grid-template-columns:8.5rem 1fr;gap:.6rem;border-top:1px solid var(--line);padding:.2rem 0}
.plan dt{color:var(--quiet)}
.plan dd{margin:0;overflow-wrap:anywhere}
h3{font-size:.95rem;margin:1rem 0 .3rem;font-weight:600}
.rest{margin-top:2rem;border-top:1px solid var(--line)}
figure{margin:0;max-width:40rem}
svg{width:100%;height:auto;display:block}
footer{margin-top:2.5rem;border-top:1px solid var(--line);color:var(--quiet);font-size:.85rem}
@media screen and (max-width:52rem){main{padding:1rem}.columns{display:block}.tiles{grid-template-columns:1fr 1fr}.tile:first-child{grid-column:1/-1}.tile small{white-space:normal;margin-left:0;display:block}table{display:block;overflow-x:auto}.list td{min-width:6rem}.list td:last-child:not(:nth-child(2)){min-width:14rem}.plans{grid-template-columns:1fr}}
@page{size:A4;margin:13mm 12mm}
@media print{
html{font-size:8.3pt}
body{font-size:1rem;line-height:1.3}
main{max-width:none;padding:0}
header{margin-bottom:.7rem;padding-left:.8rem}
h1{font-size:1.3rem}
h2{font-size:1.08rem;margin:.8rem 0 .25rem}
p{margin:.25rem 0}
th,td{padding:.16rem .35rem}
.tiles{grid-template-columns:2.4fr .8fr .8fr 1.2fr;gap:.5rem}
.tile{padding:.25rem .6rem}
.tile dd{font-size:1.2rem}
.tile small{font-size:.95rem}
.columns{grid-template-columns:minmax(0,1.85fr) minmax(0,1fr);gap:0 1.3rem}
.person li{padding:.15rem 0;gap:.5rem}
.person b{min-width:1.8rem;font-size:1.05rem}
.figures td small{white-space:nowrap}
.team{font-size:.92em}
.team td,.team th{padding:.14rem .2rem}
.rest{break-before:page;border-top:0;margin-top:0}
section:not(.long):not(.first),tr{break-inside:avoid}
h2{break-after:avoid}
thead{display:table-header-group}
figure{max-width:115mm}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}`;
