/** Whether a subject that somebody outside named is an inbox of clients, and nothing that means something else. */
export function isInbox(subject: string): boolean {
  return /^_INBOX\.[\w-]+(\.[\w-]+)*$/.test(subject) && subject.length <= 200;
}
