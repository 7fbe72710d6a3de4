// Sends the chosen files one after the other and shows how far each is. Without this script the form sends them all together.
const form = document.getElementById("upload");
const list = document.getElementById("progress");

function line(name) {
  const item = document.createElement("li");
  const bar = document.createElement("progress");
  const state = document.createElement("span");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", name);
  state.textContent = form.dataset.sending;
  item.append(`${name} `, bar, " ", state);
  list.append(item);
  return { bar, state };
}

function send(file) {
  const { bar, state } = line(file.name);
  const body = new FormData();
  body.append("file", file);
  const request = new XMLHttpRequest();
  return new Promise((done) => {
    request.upload.onprogress = (event) => { bar.value = event.total ? event.loaded / event.total : 0; };
    request.onloadend = () => {
      const receipt = request.status === 200 && request.response && request.response.files[0];
      bar.value = receipt ? 1 : 0;
      if (receipt) {
        const link = document.createElement("a");
        link.href = receipt.receipt;
        link.textContent = form.dataset.sent;
        state.replaceChildren(link);
      } else {
        state.textContent = form.dataset.failed;
      }
      done(receipt ? receipt.receipt : null);
    };
    request.open("POST", form.action);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.send(body);
  });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const chosen = [...form.elements.file.files];
  const button = form.querySelector("button");
  button.disabled = true;
  list.hidden = false;
  const receipts = [];
  for (const file of chosen) receipts.push(await send(file));
  button.disabled = false;
  if (receipts.length === 1 && receipts[0]) location.assign(receipts[0]);
});
