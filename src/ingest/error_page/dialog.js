// The crash report dialog, on a page that is not ours: no library, nothing loaded, texts only ever set as text. Old browsers show it too.
function showDialog(texts) {
  "use strict";
  var script = document.currentScript;
  var endpoint = (script && script.src) || texts.endpoint;
  var wrapperClass = "sentry-error-embed-wrapper";
  var before = document.activeElement;
  var wrapper, form, submit, summary;
  var fields = {};

  // Under a policy without inline styles only a constructed sheet works; older browsers know only the element.
  function addStyle(target, css) {
    try {
      var sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      document.adoptedStyleSheets = [].concat([].slice.call(document.adoptedStyleSheets), [sheet]);
    } catch (_) {
      var style = document.createElement("style");
      style.appendChild(document.createTextNode(css));
      target.appendChild(style);
    }
  }

  function make(name, attributes, content) {
    var element = document.createElement(name);
    for (var key in attributes) { if (attributes[key]) element.setAttribute(key, attributes[key]); }
    if (typeof content === "string") element.textContent = content;
    else (content || []).forEach(function (child) { element.appendChild(child); });
    return element;
  }

  function field(name, label, element) {
    var id = "sentry-error-embed-" + name;
    element.id = id;
    element.setAttribute("name", name);
    var error = make("p", { "class": "sentry-error-embed-problem", id: id + "-problem", role: "alert" });
    fields[name] = { element: element, error: error };
    return make("div", { "class": "sentry-error-embed-field" }, [make("label", { "for": id }, label), element, error]);
  }

  function complain(name, problems) {
    var known = fields[name];
    if (!known) return;
    known.error.textContent = (problems || []).join(" ");
    if (problems && problems.length) {
      known.element.setAttribute("aria-invalid", "true");
      known.element.setAttribute("aria-describedby", known.error.id);
    } else {
      known.element.removeAttribute("aria-invalid");
      known.element.removeAttribute("aria-describedby");
    }
  }

  function close() {
    if (!wrapper.parentNode) return;
    wrapper.parentNode.removeChild(wrapper);
    document.removeEventListener("keydown", onKey, true);
    if (before && before.focus) { try { before.focus(); } catch (_) { /* it is gone */ } }
    window.postMessage("__sentry_reportdialog_closed__", "*");
  }

  function onKey(event) {
    if (event.key === "Escape" || event.key === "Esc") { event.stopPropagation(); close(); return; }
    if (event.key !== "Tab") return;
    // The page behind is not for now.
    var stops = wrapper.querySelectorAll("input, textarea, button:not([disabled])");
    var first = stops[0], last = stops[stops.length - 1];
    var inside = wrapper.contains(document.activeElement);
    if (event.shiftKey ? document.activeElement === first || !inside : document.activeElement === last || !inside) {
      event.preventDefault();
      (event.shiftKey ? last : first).focus();
    }
  }

  function thank() {
    while (form.firstChild) form.removeChild(form.firstChild);
    var message = make("p", { "class": "sentry-error-embed-success", role: "status", tabindex: "-1" }, texts.successMessage);
    var buttons = make("div", { "class": "sentry-error-embed-buttons" }, [closeButton()]);
    form.appendChild(message);
    form.appendChild(buttons);
    message.focus();
  }

  function refuse(request) {
    var errors = null;
    try { if (request.status === 400) errors = JSON.parse(request.responseText).errors; } catch (_) { /* not ours */ }
    summary.textContent = errors ? texts.errorFormEntry : texts.errorGeneric;
    var first = null;
    for (var name in fields) {
      var problems = errors && errors[name];
      complain(name, problems);
      if (problems && !first) first = fields[name].element;
    }
    if (first) first.focus();
  }

  function send(event) {
    event.preventDefault();
    var pairs = [];
    for (var name in fields) pairs.push(encodeURIComponent(name) + "=" + encodeURIComponent(fields[name].element.value));
    var request = new XMLHttpRequest();
    request.onreadystatechange = function () {
      if (request.readyState !== 4) return;
      submit.disabled = false;
      if (request.status === 200) thank(); else refuse(request);
    };
    request.open("POST", endpoint, true);
    request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    submit.disabled = true;
    request.send(pairs.join("&"));
  }

  function closeButton() {
    var button = make("button", { type: "button", "class": "sentry-error-embed-close" }, texts.labelClose);
    button.addEventListener("click", close);
    return button;
  }

  function build() {
    var name = make("input", { type: "text", autocomplete: "name" });
    var email = make("input", { type: "email", autocomplete: "email" });
    name.value = texts.name;
    email.value = texts.email;
    submit = make("button", { type: "submit", "class": "sentry-error-embed-submit" }, texts.labelSubmit);
    summary = make("p", { "class": "sentry-error-embed-problem", role: "alert" });
    form = make("form", { novalidate: "novalidate" }, [
      summary,
      field("name", texts.labelName, name),
      field("email", texts.labelEmail, email),
      field("comments", texts.labelComments, make("textarea", { rows: "5" })),
      make("div", { "class": "sentry-error-embed-buttons" }, [submit, closeButton()])
    ]);
    form.addEventListener("submit", send);
    var head = make("header", {}, [
      make("h2", { id: "sentry-error-embed-title" }, texts.title),
      make("p", {}, [make("b", {}, texts.subtitle), document.createTextNode(" " + texts.subtitle2)])
    ]);
    var box = make("div", { "class": "sentry-error-embed", role: "dialog", "aria-modal": "true", "aria-labelledby": "sentry-error-embed-title" }, [head, form]);
    wrapper = make("div", { "class": wrapperClass, lang: texts.lang }, [box]);
    // Pressed and released outside: somebody who selects text up to the edge does not mean to leave.
    var pressed = null;
    wrapper.addEventListener("mousedown", function (event) { pressed = event.target; });
    wrapper.addEventListener("click", function (event) {
      if (event.target === wrapper && (pressed === wrapper || pressed === null)) close();
      pressed = null;
    });
    addStyle(wrapper, style(wrapperClass));
    document.body.appendChild(wrapper);
    document.addEventListener("keydown", onKey, true);
    fields[name.value ? (email.value ? "comments" : "email") : "name"].element.focus();
  }

  function style(wrapper) {
    var box = "." + wrapper + " .sentry-error-embed";
    return [
      "." + wrapper + "{position:fixed;top:0;right:0;bottom:0;left:0;z-index:2147483647;overflow:auto;padding:24px 12px;box-sizing:border-box;background:rgba(21,22,26,.62);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',Arial,sans-serif;text-align:left}",
      box + "{box-sizing:border-box;max-width:520px;margin:6vh auto 0;padding:24px 28px;border-radius:10px;border:1px solid #e6e2db;background:#fff;color:#1d1b18;box-shadow:0 12px 40px rgba(0,0,0,.3);overflow-wrap:anywhere}",
      box + " *{box-sizing:border-box;font-family:inherit;letter-spacing:normal;text-transform:none}",
      box + " header{all:unset;display:block}",
      box + " h2{margin:0 0 6px;padding:0;font-size:21px;line-height:1.25;font-weight:650;color:inherit;border:0;background:none}",
      box + " p{margin:0;padding:0;font-size:15px;color:#57534b}",
      box + " b{font-weight:600;color:#1d1b18}",
      box + " form{margin:18px 0 0;padding:0;border:0;background:none}",
      box + " .sentry-error-embed-field{margin:0 0 14px}",
      box + " label{display:block;margin:0 0 5px;padding:0;font-size:14px;font-weight:600;color:inherit}",
      box + " input," + box + " textarea{display:block;width:100%;margin:0;padding:8px 10px;border:1px solid #8b857b;border-radius:7px;background:#fff;color:#1d1b18;font-size:15px;line-height:1.45;box-shadow:none;height:auto}",
      box + " textarea{min-height:110px;resize:vertical}",
      box + " [aria-invalid=true]{border-color:#b3261e}",
      box + " :focus-visible{outline:2px solid #2f4b7c;outline-offset:2px}",
      box + " .sentry-error-embed-problem{margin:4px 0 0;font-size:14px;color:#b3261e}",
      box + " .sentry-error-embed-problem:empty{display:none}",
      box + " form>.sentry-error-embed-problem{margin:0 0 12px}",
      box + " .sentry-error-embed-success{font-size:16px;color:inherit;outline:0}",
      box + " .sentry-error-embed-buttons{display:flex;flex-wrap:wrap;gap:10px;margin:20px 0 0}",
      box + " button{display:inline-block;margin:0;padding:9px 16px;border:1px solid #8b857b;border-radius:7px;background:none;color:inherit;font-size:15px;line-height:1.3;font-weight:600;cursor:pointer;box-shadow:none;width:auto}",
      box + " button.sentry-error-embed-submit{background:#1d1b18;border-color:#1d1b18;color:#fff}",
      box + " button[disabled]{opacity:.6;cursor:default}",
      "@media(prefers-color-scheme:dark){" + box + "{background:#1b1d22;border-color:#2c2f36;color:#ebe8e2}" + box + " p{color:#b3aea5}" + box + " b{color:#ebe8e2}" +
        box + " input," + box + " textarea{background:#15161a;color:#ebe8e2;border-color:#6d727d}" + box + " [aria-invalid=true]{border-color:#f2998f}" +
        box + " .sentry-error-embed-problem{color:#f2998f}" + box + " :focus-visible{outline-color:#9db7e8}" + box + " button{border-color:#6d727d}" +
        box + " button.sentry-error-embed-submit{background:#ebe8e2;border-color:#ebe8e2;color:#1d1b18}}"
    ].join("\n");
  }

  if (document.body && document.readyState !== "loading") build();
  else document.addEventListener("DOMContentLoaded", build);
}
