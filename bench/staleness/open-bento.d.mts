/** The part of BentoCache that is used here. */
export function openBento(url: string): {
  deleteMany(options: { keys: string[] }): Promise<boolean>;
  disconnectAll(): Promise<void>;
};
