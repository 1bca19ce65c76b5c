/** A chat: the last 50 messages, what is said from now on, and what could not be kept. */

import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "tailwire/client";
import { PushProvider, useChannel, useConnectionState, usePush } from "tailwire/react";

// Outside of components: one client for the page. It connects with the first component that uses a channel.
const push = connect("/push");

function Chat() {
  return (
    <>
      <h1>Chat</h1>
      <Connection />
      <Messages />
      <Say />
    </>
  );
}

function Connection() {
  const { state, transport } = useConnectionState();
  return <output>{transport === undefined ? state : `${state}, over ${transport}`}</output>;
}

function Messages() {
  const { items } = useChannel("chat", { from: "-50" });
  return (
    <ol>
      {items.map((item) =>
        "lost" in item ? (
          <li key={item.next}>
            <em>{item.lost ?? "Some"} messages are no longer there.</em>
          </li>
        ) : (
          <li key={item.id}>
            <time dateTime={new Date(item.time).toISOString()}>{new Date(item.time).toLocaleTimeString()}</time>{" "}
            {String(item.data)}
          </li>
        ),
      )}
    </ol>
  );
}

function Say() {
  const { publish } = usePush();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState();

  async function say(event) {
    event.preventDefault();
    setText("");
    try {
      await publish("chat", text);
      setProblem(undefined);
    } catch (error) {
      setText(text);
      setProblem(error.message);
    }
  }

  return (
    <form onSubmit={say}>
      <input value={text} onChange={({ target }) => setText(target.value)} aria-label="Message" required />{" "}
      <button type="submit">Say</button> {problem}
    </form>
  );
}

createRoot(document.querySelector("main")).render(
  <StrictMode>
    <PushProvider push={push}>
      <Chat />
    </PushProvider>
  </StrictMode>,
);
