// The token that requests carry, where the service asks for one. It ends with the browser's tab.

const KEY = "craton-token";

export function token() {
  return sessionStorage.getItem(KEY);
}

export function signIn(value) {
  sessionStorage.setItem(KEY, value);
}

export function signOut() {
  sessionStorage.removeItem(KEY);
}
