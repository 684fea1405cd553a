/** What CloudFormation replaces a resource for, by type: a changed value means a new, empty resource under another name. */
const REPLACED_FOR: Readonly<Record<string, readonly string[]>> = {
  'AWS::DynamoDB::GlobalTable': ['TableName', 'KeySchema', 'LocalSecondaryIndexes'],
  'AWS::S3::Bucket': ['BucketName'],
  'AWS::KMS::Key': ['KeySpec', 'MultiRegion'],
};

/** The part of a template that is read here. */
export interface TemplateResources {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> }>
  >;
}

/** Of each resource that holds data, by logical id: its type, the properties for which it would be replaced, and a table's indexes. */
export type RetainedResources = Readonly<
  Record<
    string,
    {
      readonly type: string;
      readonly properties: Readonly<Record<string, unknown>>;
      readonly indexes?: readonly string[];
    }
  >
>;

export const retainedResources = ({ Resources }: TemplateResources): RetainedResources =>
  Object.fromEntries(
    Object.entries(Resources)
      .flatMap(([id, { Type: type, Properties = {} }]) => {
        const names = REPLACED_FOR[type];
        if (names === undefined) return [];
        const given = names.flatMap((name) => (name in Properties ? [[name, Properties[name]] as const] : []));
        const indexes = indexesOf(Properties['GlobalSecondaryIndexes']);
        const kept = { type, properties: Object.fromEntries(given), ...(indexes.length === 0 ? {} : { indexes }) };
        return [[id, kept] as const];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

const indexesOf = (indexes: unknown): readonly string[] =>
  Array.isArray(indexes) ? indexes.map((index: { readonly IndexName: string }) => index.IndexName).sort() : [];

/** Tables of which a deployment would change more than one index, where CloudFormation makes or removes one at a time. */
export const indexChangesAtOnce = (deployed: RetainedResources, next: RetainedResources): readonly string[] =>
  Object.entries(deployed).flatMap(([id, { indexes: before = [] }]) => {
    const after = next[id]?.indexes ?? [];
    const changed = [
      ...after.filter((name) => !before.includes(name)).map((name) => `makes ${name}`),
      ...before.filter((name) => !after.includes(name)).map((name) => `removes ${name}`),
    ];
    return changed.length < 2 ? [] : [`${id}: ${changed.join(', ')}; deploy one at a time`];
  });

/**
 * What of the data a deployment would leave behind: resources that are gone, of another type, or that CloudFormation would
 * make anew. Empty if the deployment is safe; new resources are safe.
 */
export const lossesBetween = (deployed: RetainedResources, next: RetainedResources): readonly string[] =>
  Object.entries(deployed).flatMap(([id, before]) => {
    const after = next[id];
    if (after === undefined) return [`${id} (${before.type}) would be left behind`];
    if (after.type !== before.type) return [`${id} would become a ${after.type} instead of a ${before.type}`];
    return [...new Set([...Object.keys(before.properties), ...Object.keys(after.properties)])]
      .filter((name) => JSON.stringify(before.properties[name]) !== JSON.stringify(after.properties[name]))
      .map((name) => `${id} (${before.type}) would be replaced: ${name} changes`);
  });
