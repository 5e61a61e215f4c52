const data = JSON.parse(document.getElementById("data").textContent);
const host = document.getElementById("timeline");
document.getElementById("sentence").textContent = sentence(data);
legend(document.getElementById("legend"), data.lead);
new ResizeObserver(() => requestAnimationFrame(() => draw(host, data))).observe(host.parentElement);
draw(host, data);
